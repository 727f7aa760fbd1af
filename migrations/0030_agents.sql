-- The programs beside front ends have certificates of an authority that no front end trusts.
alter table authorities drop constraint authorities_role_check,
  add constraint authorities_role_check check (role in ('root', 'issuing', 'enrollment', 'agent'));
alter table certificates drop constraint certificates_kind_check,
  add constraint certificates_kind_check check (kind in ('device', 'bootstrap', 'signer', 'agent', 'canary'));

-- Which certificates speak for a front end: its agent's own, and the canaries that prove what it refuses.
create table front_end_certificates (
  authority_id  smallint not null,
  serial_number bytea    not null,
  front_end_id  uuid     not null references front_ends,
  primary key (authority_id, serial_number),
  foreign key (authority_id, serial_number) references certificates
);
create index front_end_certificates_by_front_end on front_end_certificates (front_end_id);

-- How long the last good data counts at a front end, and what then: refuse everybody, or go on and alarm.
alter table front_ends
  add column max_age_seconds integer not null default 900 check (max_age_seconds between 10 and 604800),
  add column when_stale      text    not null default 'refuse' check (when_stale in ('refuse', 'alarm'));

-- When the value was last changed, by the database's clock: what became of it elsewhere is measured from here.
alter table counters add column changed_at timestamptz;

-- What an agent last said is in force. changed_at: since when it is that change; enforcement_ms: how long the newest
-- revocation took from its row to the receipt.
create table front_end_receipts (
  front_end_id    uuid        primary key references front_ends,
  sequence        bigint      not null,
  received_at     timestamptz not null,
  change_number   bigint      not null,
  changed_at      timestamptz not null,
  enforcement_ms  integer,
  receipt         jsonb       not null,
  -- how it stood when somebody was told last
  told            text        not null default 'in-force'
);
