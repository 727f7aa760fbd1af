-- What changes an answer about a certificate, or to a front end, named by whatever changes it, so that an instance can forget
-- what it remembers. xid is the transaction's: a reader takes what the snapshot of its last look did not show, so that nothing
-- is missed and no writer waits for another. Rows stay some minutes.
create table answer_changes (
  xid     xid8 not null default pg_current_xact_id(),
  subject text not null check (subject in ('certificate', 'front-end', 'everything')),
  key     text not null
);
create index answer_changes_by_xid on answer_changes (xid);

-- Whatever was finished when this was last set has been seen by every instance long before it is set again.
insert into counters (name, value) values ('answer-changes-finished', 0);

create function answer_changed(subject text, key text) returns void language sql as $$
  insert into answer_changes (subject, key) values (subject, key);
  select pg_notify('latchkey_answers', '')
$$;

create function revocation_changes_answer() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into answer_changes (subject, key) select 'certificate', encode(serial_number, 'hex') from after;
  elsif tg_op = 'UPDATE' then
    insert into answer_changes (subject, key) select 'certificate', encode(a.serial_number, 'hex')
      from after a join before b using (authority_id, serial_number) where (a.reason, a.revoked_at) is distinct from (b.reason, b.revoked_at);
  else
    insert into answer_changes (subject, key) select 'certificate', encode(serial_number, 'hex') from before;
  end if;
  if found then perform pg_notify('latchkey_answers', ''); end if;
  return null;
end $$;
create trigger answer_changes_inserted after insert on revocations referencing new table as after for each statement execute function revocation_changes_answer();
create trigger answer_changes_updated after update on revocations referencing old table as before new table as after for each statement execute function revocation_changes_answer();
create trigger answer_changes_deleted after delete on revocations referencing old table as before for each statement execute function revocation_changes_answer();

-- A certificate that was not complete is remembered by nobody. Its first use is no part of an answer.
create function certificate_changes_answer() returns trigger language plpgsql as $$
begin
  perform answer_changed('certificate', encode(old.serial_number, 'hex'));
  return null;
end $$;
create trigger answer_changes after delete or update of authority_id, serial_number, kind, state, device_id, test, not_before, not_after, sha256 on certificates
  for each row when (old.state = 'issued') execute function certificate_changes_answer();

create function device_changes_answer() returns trigger language plpgsql as $$
begin
  perform answer_changed('certificate', encode(serial_number, 'hex')) from certificates where device_id = new.id;
  return null;
end $$;
create trigger answer_changes after update of id, person_id, activesync_version on devices
  for each row when ((old.id, old.person_id, old.activesync_version) is distinct from (new.id, new.person_id, new.activesync_version)) execute function device_changes_answer();

create function person_changes_answer() returns trigger language plpgsql as $$
begin
  perform answer_changed('certificate', encode(c.serial_number, 'hex')) from devices d join certificates c on c.device_id = d.id where d.person_id = new.id;
  return null;
end $$;
create trigger answer_changes after update of id, email on people
  for each row when ((old.id, old.email) is distinct from (new.id, new.email)) execute function person_changes_answer();

create function authority_changes_answer() returns trigger language plpgsql as $$
begin
  perform answer_changed('everything', '');
  return null;
end $$;
create trigger answer_changes after update of id, revoked_at on authorities
  for each row when ((old.id, old.revoked_at) is distinct from (new.id, new.revoked_at)) execute function authority_changes_answer();

create function front_end_changes_answer() returns trigger language plpgsql as $$
begin
  perform answer_changed('front-end', old.name);
  return null;
end $$;
create trigger answer_changes after update or delete on front_ends for each row execute function front_end_changes_answer();

-- About a probe every question is counted, so it is remembered by nobody from the moment it is one.
create function probe_changes_answer() returns trigger language plpgsql as $$
begin
  perform answer_changed('certificate', encode(new.serial_number, 'hex'));
  return null;
end $$;
create trigger answer_changes after insert on front_end_probes for each row execute function probe_changes_answer();
