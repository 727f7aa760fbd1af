-- What the ActiveSync gate does at a front end when a request contradicts its certificate.
alter table front_ends add column activesync text not null default 'observe' check (activesync in ('observe', 'quarantine', 'refuse'));

-- Grows with every finding that is made or settled: what an instance remembers of a device holds for one number.
alter table devices add column activesync_version integer not null default 0;

-- The DeviceId with which a certificate was first used. A claim, written down once, so that a second one is noticed.
create table activesync_device_ids (
  authority_id  smallint    not null,
  serial_number bytea       not null,
  claimed_id    text        not null,
  first_seen_at timestamptz not null,
  primary key (authority_id, serial_number),
  foreign key (authority_id, serial_number) references certificates
);

-- Where a request contradicted its certificate: once for each device and claim, and a bounded number for a device.
-- What somebody settled is no contradiction any more.
create table activesync_findings (
  device_id     uuid        not null references devices,
  finding       text        not null,
  claimed       text        not null,
  serial_number bytea       not null,
  front_end     text        not null,
  action        text        not null check (action in ('observe', 'quarantine', 'refuse')),
  sentence      text        not null,
  found_at      timestamptz not null,
  settled_at    timestamptz,
  settled_by    text,
  primary key (device_id, finding, claimed),
  check ((settled_at is null) = (settled_by is null))
);
create index activesync_findings_open on activesync_findings (found_at desc) where settled_at is null;
