-- How people who administer prove who they are. Nothing here lets a reader of the database sign in:
-- passwords are argon2id, codes and session tokens are random and stand here as hashes.
create table admin_passwords (
  admin_id   uuid        primary key references admins,
  hash       text        not null check (hash like '$argon2id$%'),
  changed_at timestamptz not null
);

-- WebAuthn credentials. Ended, not deleted: the record of changes names them.
create table passkeys (
  credential_id bytea       primary key,
  admin_id      uuid        not null references admins,
  name          text        not null,
  public_key    bytea       not null,
  sign_count    bigint      not null,
  transports    text[]      not null,
  backed_up     boolean     not null,
  created_at    timestamptz not null,
  last_used_at  timestamptz,
  ended_at      timestamptz
);
create index passkeys_by_admin on passkeys (admin_id) where ended_at is null;

create table recovery_codes (
  admin_id    uuid        not null references admins,
  code_sha256 bytea       not null,
  created_at  timestamptz not null,
  used_at     timestamptz,
  primary key (admin_id, code_sha256)
);

create table console_sessions (
  id           uuid        primary key,
  admin_id     uuid        not null references admins,
  token_sha256 bytea       not null unique,
  method       text        not null check (method in ('setup-link', 'password', 'passkey', 'recovery-code')),
  created_at   timestamptz not null,
  last_seen_at timestamptz not null,
  expires_at   timestamptz not null,
  ended_at     timestamptz,
  address      text        not null,
  user_agent   text        not null
);
create index console_sessions_by_admin on console_sessions (admin_id, created_at desc);
create index console_sessions_by_end on console_sessions (expires_at);

-- Who must wait before the next try. The subject is a hash of an account, an address, or both: what somebody
-- types into the wrong field stands nowhere.
create table sign_in_delays (
  subject  bytea       primary key,
  failures integer     not null,
  last_at  timestamptz not null,
  next_at  timestamptz not null
);
create index sign_in_delays_by_age on sign_in_delays (last_at);

-- A challenge that was answered counts once.
create table used_challenges (
  challenge_sha256 bytea       primary key,
  expires_at       timestamptz not null
);
create index used_challenges_by_end on used_challenges (expires_at);

-- With which all instances seal what a browser carries from one step of signing in to the next.
create table console_secret (
  one    boolean primary key default true check (one),
  secret bytea   not null
);

-- A link may also be for somebody who is an admin already: to set a password and a passkey, anew or for the first time.
-- admin_id is who made it, for_admin whom it is for.
alter table setup_links add column for_admin uuid references admins;
