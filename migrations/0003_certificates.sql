-- Every certificate, from before it is signed. `pending` is a lease: what was perhaps signed and never
-- completed is revoked when the lease ends, so there is never a certificate that cannot be revoked.
create table certificates (
  authority_id       smallint    not null references authorities,
  serial_number      bytea       not null check (length(serial_number) = 16),
  kind               text        not null check (kind in ('device', 'bootstrap', 'signer')),
  state              text        not null check (state in ('pending', 'issued', 'abandoned')),
  partition          smallint    not null,
  device_id          uuid        references devices,
  enrollment_id      text        references enrollments on delete set null,
  invitation_id      uuid        references invitations,
  key_origin         text        check (key_origin in ('device', 'delivered')),
  grade              text        check (grade in ('claimed', 'listed', 'signed', 'attested')),
  test               boolean     not null default false,
  decision           jsonb,
  not_before         timestamptz not null,
  not_after          timestamptz not null,
  der                bytea,
  sha256             bytea       unique,
  public_key_sha256  bytea       not null,
  request_sha256     bytea       unique,
  created_at         timestamptz not null,
  lease_until        timestamptz,
  first_used_at      timestamptz,
  superseded_by      bytea,
  primary key (authority_id, serial_number),
  check ((state = 'issued') = (der is not null and sha256 is not null)),
  check ((state = 'pending') = (lease_until is not null))
);
-- An admin names a certificate by its serial number alone.
create index certificates_by_serial_number on certificates (serial_number);
create index certificates_by_device on certificates (device_id, created_at desc) where device_id is not null;
create index certificates_by_age on certificates (created_at desc, serial_number) where kind = 'device';
create index certificates_by_enrollment on certificates (enrollment_id) where enrollment_id is not null;
create index certificates_leased on certificates (lease_until) where state = 'pending';
create index certificates_test on certificates (authority_id, serial_number) where test;
create index certificates_ending on certificates (not_after) where kind = 'device';

-- Revocation is a row; it counts from the commit. reason 6 is certificateHold, 8 (removeFromCRL) a
-- release that has not yet stood on a complete CRL. change_number is given under the counter's lock.
create table revocations (
  authority_id  smallint    not null,
  serial_number bytea       not null,
  partition     smallint    not null,
  not_after     timestamptz not null,
  revoked_at    timestamptz not null,
  reason        smallint    not null check (reason in (0, 1, 3, 4, 5, 6, 8, 9)),
  change_number bigint      not null,
  actor         text        not null,
  cause         text        not null default '',
  listed        boolean     not null default true,
  primary key (authority_id, serial_number),
  foreign key (authority_id, serial_number) references certificates
);
-- listed: still owed to the lists. An entry leaves once it has stood on a list issued after its certificate expired.
create index revocations_listed on revocations (authority_id, partition, serial_number) where listed;
-- Releases are few and leave with the next complete list, which looks for them.
create index revocations_released on revocations (authority_id) where reason = 8;
create index revocations_by_change on revocations (authority_id, change_number);

-- Published lists. Rows are added under the authority's lock, never changed; old ones are pruned.
create table crls (
  authority_id    smallint    not null references authorities,
  scope           text        not null check (scope in ('complete', 'delta', 'partition')),
  partition       smallint    not null default 0,
  crl_number      bigint      not null,
  base_crl_number bigint,
  this_update     timestamptz not null,
  next_update     timestamptz not null,
  change_number   bigint      not null,
  entries         integer     not null,
  der             bytea       not null,
  sha256          bytea       not null,
  primary key (authority_id, scope, partition, crl_number),
  check (this_update < next_update),
  check ((scope = 'delta') = (base_crl_number is not null))
);

-- A SCEP challenge: for one enrollment, its device and its person; consumed by the transaction that issues.
create table scep_challenges (
  challenge_sha256 bytea       primary key,
  enrollment_id    text        not null references enrollments on delete cascade,
  purpose          text        not null check (purpose in ('bootstrap', 'device')),
  expires_at       timestamptz not null,
  consumed_at      timestamptz
);
create index scep_challenges_by_end on scep_challenges (expires_at);

-- SCEP requests that wait for a person's decision (PENDING), found again by GetCertInitial: the newest of a transaction.
create table scep_pending (
  purpose           text        not null check (purpose in ('bootstrap', 'device')),
  transaction_id    text        not null,
  signer_key_sha256 bytea       not null,
  request           bytea       not null,
  created_at        timestamptz not null,
  expires_at        timestamptz not null,
  primary key (purpose, transaction_id, signer_key_sha256)
);
