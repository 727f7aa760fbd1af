-- A serial number is taken before anything is signed under it, for as long as a lease. What stood in `certificates` as `pending` was written
-- twice, into most of its indexes, and left a dead row behind for every certificate. Nothing is referred to: devices are never deleted.
create table reservations (
  authority_id      smallint    not null,
  serial_number     bytea       primary key check (length(serial_number) = 16),
  kind              text        not null,
  partition         smallint    not null,
  device_id         uuid,
  not_before        timestamptz not null,
  not_after         timestamptz not null,
  public_key_sha256 bytea       not null,
  created_at        timestamptz not null,
  lease_until       timestamptz not null
);
create index reservations_by_end on reservations (lease_until);
create index reservations_by_device on reservations (device_id) where device_id is not null;

-- Whoever is about to write a row of before would write it when it is no longer looked for, and nobody would ever revoke it.
lock table certificates in access exclusive mode;
-- What is on hold while it is being made, or was released, is revoked for good: it is never completed.
with ended as (
  update revocations r set reason = 5, listed = true, change_number = (select value + 1 from counters where name = 'revocation-change')
  from certificates c where c.authority_id = r.authority_id and c.serial_number = r.serial_number and c.state = 'pending' and r.reason in (6, 8) returning 1)
update counters set value = value + 1, changed_at = clock_timestamp() where name = 'revocation-change' and exists (select 1 from ended);
-- One that was revoked meanwhile is named by its revocation.
update certificates c set state = 'abandoned', lease_until = null where state = 'pending'
  and exists (select 1 from revocations r where r.authority_id = c.authority_id and r.serial_number = c.serial_number);
with pending as (delete from certificates where state = 'pending' returning *)
  insert into reservations select authority_id, serial_number, kind, partition, device_id, not_before, not_after, public_key_sha256, created_at, lease_until from pending;
-- With it go its index and the check that bound it to the state.
alter table certificates drop column lease_until;
-- Not valid: none is left, and looking for it would read the whole table.
alter table certificates drop constraint certificates_state_check;
alter table certificates add constraint certificates_state_check check (state in ('issued', 'abandoned')) not valid;

-- When somebody has to decide about a phone changes only with an enrollment that waits, or did.
drop trigger enrollment_waits on enrollments;
create trigger enrollment_waits after insert on enrollments for each row when (new.device_id is not null) execute function enrollment_waits();
create trigger enrollment_waits_or_did after update of device_id, state, decision on enrollments for each row
  when (new.device_id is not null and (new.device_id is distinct from old.device_id or new.state = 'quarantined' or old.state = 'quarantined'))
  execute function enrollment_waits();
