-- Certificates with which somebody tries out a front end, and how often /check was asked about each of them there.
-- purpose: what the certificate is for; own: a phone's, given for the trial by whoever has its key.
create table front_end_probes (
  authority_id  smallint    not null,
  serial_number bytea       not null,
  front_end_id  uuid        not null references front_ends,
  purpose       text        not null check (purpose in ('good', 'revoked', 'later', 'outage', 'own')),
  asked         integer     not null default 0,
  created_at    timestamptz not null,
  primary key (authority_id, serial_number),
  foreign key (authority_id, serial_number) references certificates
);
create index front_end_probes_by_front_end on front_end_probes (front_end_id, created_at);
