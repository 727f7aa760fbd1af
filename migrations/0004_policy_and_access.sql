-- Periods in which a model may receive certificates. Rows are ended, never deleted: every issued
-- certificate must stay explainable by the approval it rested on.
create table approvals (
  id             uuid        primary key,
  pattern        text        not null,
  least_evidence text        not null check (least_evidence in ('listed', 'signed', 'attested')),
  reason         text        not null,
  author         text        not null,
  not_before     timestamptz not null,
  not_after      timestamptz,
  ended_at       timestamptz,
  ended_by       text
);
create index approvals_in_force on approvals (pattern) where ended_at is null;

create table rules (
  id              uuid        primary key,
  verdict         text        not null check (verdict in ('allow', 'quarantine', 'block')),
  conditions      jsonb       not null,
  reason          text        not null,
  text_for_person text,
  author          text        not null,
  created_at      timestamptz not null,
  ended_at        timestamptz
);

create table exemptions (
  id             uuid        primary key,
  device_id      uuid        not null references devices,
  invitation_id  uuid        not null references invitations,
  verdict        text        not null check (verdict in ('allow', 'quarantine', 'block')),
  least_evidence text        not null check (least_evidence in ('claimed', 'listed', 'signed', 'attested')),
  reason         text        not null,
  author         text        not null,
  created_at     timestamptz not null,
  not_after      timestamptz not null,
  ended_at       timestamptz
);
create index exemptions_by_device on exemptions (device_id) where ended_at is null;

-- Catalogue data that arrived after the release; the newest row is merged over what the product brings.
create table catalogue_updates (
  id         bigint      generated always as identity primary key,
  body       jsonb       not null,
  applied_at timestamptz not null,
  applied_by text        not null
);

create table admins (
  id         uuid        primary key,
  name       text        not null,
  email      text        not null,
  role       text        not null check (role in ('admin', 'operator', 'auditor')),
  created_at timestamptz not null,
  ended_at   timestamptz
);
create unique index admins_by_email on admins (lower(email)) where ended_at is null;

-- by_admin: made by an admin for another one (admin_id, unless at the machine itself). The others are for the first.
create table setup_links (
  token_sha256 bytea       primary key,
  by_admin     boolean     not null,
  admin_id     uuid        references admins,
  expires_at   timestamptz not null,
  consumed_at  timestamptz
);

-- admin_id is whose it is, made_by who was told it; it ends with either.
create table tokens (
  id           uuid        primary key,
  name         text        not null,
  role         text        not null check (role in ('admin', 'operator', 'auditor')),
  token_sha256 bytea       not null unique,
  admin_id     uuid        references admins,
  made_by      uuid        references admins,
  created_at   timestamptz not null,
  expires_at   timestamptz,
  ended_at     timestamptz
);

create table front_ends (
  id            uuid        primary key,
  name          text        not null check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  kind          text        not null,
  convention    text        not null,
  authority_id  smallint    references authorities,
  secret_sha256 bytea       not null,
  created_at    timestamptz not null,
  ended_at      timestamptz
);
create unique index front_ends_by_name on front_ends (name) where ended_at is null;

-- Every change: who, from where, before and after. Secrets never stand here.
create table audit (
  id      bigint      generated always as identity primary key,
  at      timestamptz not null,
  actor   text        not null,
  source  text        not null,
  action  text        not null,
  subject text        not null,
  detail  jsonb       not null default '{}'
);
create index audit_by_subject on audit (subject, id desc);
