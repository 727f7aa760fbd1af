-- Private keys, encrypted PKCS#8 under the installation's passphrase. A row without private_key
-- is a key that was taken away (the root's, after its ceremony) or never was here (an imported root).
create table keys (
  id          uuid        primary key,
  public_key  bytea       not null unique,
  private_key bytea,
  created_at  timestamptz not null
);

-- Certificate authorities. `name` is what addresses carry: root, issuing, enrollment.
-- crl_number is the last one used for any list of this authority; its row is the publication lock.
-- partitions is the largest number ever in force: published partitions never become fewer.
-- revoked_at: the root's list names it, so nothing that it issued is good any more.
create table authorities (
  id          smallint    generated always as identity primary key,
  name        text        not null unique check (name ~ '^[a-z][a-z0-9-]{0,39}$'),
  role        text        not null check (role in ('root', 'issuing', 'enrollment')),
  certificate bytea       not null,
  key_id      uuid        not null references keys,
  parent_id   smallint    references authorities,
  active      boolean     not null default true,
  partitions  smallint    not null default 1 check (partitions between 1 and 4096),
  crl_number  bigint      not null default 0,
  revoked_at  timestamptz,
  created_at  timestamptz not null
);
create unique index one_active_authority_per_role on authorities (role) where active;

-- What signs for an authority in one protocol. The newest that has begun is used;
-- older ones stay so that requests under way can still be read.
create table signers (
  id           bigint      generated always as identity primary key,
  authority_id smallint    not null references authorities,
  purpose      text        not null check (purpose in ('scep-ra', 'ocsp-responder', 'profile-signer')),
  certificate  bytea       not null,
  key_id       uuid        not null references keys,
  not_before   timestamptz not null,
  not_after    timestamptz not null
);
create index signers_by_purpose on signers (authority_id, purpose, id desc);

-- Every CRLDP address ever written for a partition: its CRL must list them all, byte for byte.
-- listed: it stands on a published list.
create table crl_addresses (
  authority_id smallint not null references authorities,
  partition    smallint not null,
  url          text     not null,
  position     bigint   generated always as identity,
  listed       boolean  not null default false,
  primary key (authority_id, partition, url)
);

-- Values that several instances change: counted up under the row's lock, so in commit order.
create table counters (
  name  text   primary key,
  value bigint not null
);
insert into counters values ('revocation-change', 0);

create table settings (
  name  text  primary key,
  value jsonb not null
);
