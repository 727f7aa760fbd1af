-- held_at: nothing new is issued to any device of theirs until they are released.
create table people (
  id                  uuid        primary key,
  name                text        not null check (name <> ''),
  email               text        not null check (email <> ''),
  user_principal_name text,
  groups              text[]      not null default '{}',
  held_at             timestamptz,
  created_at          timestamptz not null
);
create unique index people_by_email on people (lower(email));
create unique index people_by_user_principal_name on people (lower(user_principal_name));

-- What a configuration profile carries.
create table templates (
  name       text        primary key,
  body       jsonb       not null,
  updated_at timestamptz not null,
  updated_by text        not null
);

-- The right of one person to enroll up to devices_max devices until a time. The link's token is kept as a hash.
create table invitations (
  id           uuid        primary key,
  person_id    uuid        not null references people,
  token_sha256 bytea       not null unique,
  template     text        not null references templates,
  key_origin   text        not null check (key_origin in ('device', 'delivered')),
  devices_max  integer     not null check (devices_max between 1 and 1000),
  expires_at   timestamptz not null,
  ended_at     timestamptz,
  created_at   timestamptz not null,
  created_by   text        not null
);
create index invitations_by_person on invitations (person_id);
create index invitations_by_age on invitations (created_at desc, id);

-- A phone in one person's hands. What it says of itself is believed for that person only, so a phone
-- that lies about its UDID can disturb nobody else. While it is locked out nothing is issued to it.
create table devices (
  id            uuid        primary key,
  person_id     uuid        not null references people,
  udid          text        not null,
  serial_number text        not null,
  product_type  text        not null,
  build         text,
  os_version    text,
  grade         text        not null check (grade in ('claimed', 'listed', 'signed', 'attested')),
  test          boolean     not null default false,
  known_at      timestamptz not null,
  created_at    timestamptz not null,
  locked_out    text        check (locked_out in ('held', 'revoked')),
  unique (person_id, udid)
);
create index devices_by_udid on devices (udid);
create index devices_by_age on devices (created_at desc, id);

-- Places of an invitation that are taken: counted when a certificate is issued.
create table invitation_devices (
  invitation_id uuid        not null references invitations,
  device_id     uuid        not null references devices,
  taken_at      timestamptz not null,
  primary key (invitation_id, device_id)
);

-- Evidence as it arrived, so that anybody can check it again offline.
create table evidence (
  id          uuid        primary key,
  device_id   uuid        not null references devices,
  kind        text        not null check (kind in ('ota-first-post', 'ota-second-post')),
  grade       text        not null check (grade in ('claimed', 'listed', 'signed', 'attested')),
  test        boolean     not null,
  attributes  jsonb       not null,
  raw         bytea       not null,
  raw_sha256  bytea       not null,
  received_at timestamptz not null
);
create index evidence_by_device on evidence (device_id, received_at desc);

-- One attempt of one device, from the downloaded Profile Service profile to certificate or refusal.
create table enrollments (
  id                   text        primary key,
  invitation_id        uuid        not null references invitations,
  challenge_sha256     bytea       not null,
  challenge_expires_at timestamptz not null,
  state                text        not null check (state in ('invited', 'allowed', 'refused', 'quarantined', 'profiled', 'issued')),
  device_id            uuid        references devices,
  evidence_id          uuid        references evidence,
  decision             jsonb,
  decided_at           timestamptz,
  first_post_sha256    bytea,
  second_post_sha256   bytea,
  final_answer         bytea,
  final_answer_until   timestamptz,
  last_error           text,
  last_error_step      text,
  created_at           timestamptz not null,
  updated_at           timestamptz not null
);
create index enrollments_by_invitation on enrollments (invitation_id, created_at desc);
create index enrollments_by_device on enrollments (device_id, created_at desc) where device_id is not null;
create index enrollments_never_begun on enrollments (challenge_expires_at) where state = 'invited';
create index enrollments_with_answer on enrollments (final_answer_until) where final_answer is not null;
create index enrollments_quarantined on enrollments (decided_at) where state = 'quarantined';
