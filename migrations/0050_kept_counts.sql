-- Exemptions in force, newest first; those that ran out are found by their end, and ended.
create index exemptions_in_force on exemptions (created_at, id) where ended_at is null;
create index exemptions_by_end on exemptions (not_after) where ended_at is null;

-- What a change of policy reaches, counted as it is found and not each time somebody looks: it may be every phone.
alter table policy_changes
  add column certificates integer not null default 0,
  add column people       integer not null default 0,
  add column phones       integer not null default 0,
  add column updatable    integer not null default 0,
  add column starts       integer not null default 0,
  add column held         integer not null default 0,
  add column revoked      integer not null default 0,
  add column released     integer not null default 0,
  add column passed_over  integer not null default 0;
update policy_changes c set certificates = e.certificates, people = e.people, phones = e.phones, updatable = e.updatable, starts = e.starts,
    held = e.held, revoked = e.revoked, released = e.released, passed_over = e.passed_over
  from (select change_id, count(*) filter (where effect = 'stops') as certificates, count(distinct d.person_id) filter (where effect = 'stops') as people,
      count(distinct device_id) filter (where effect = 'stops') as phones, count(distinct device_id) filter (where help = 'update') as updatable, count(*) filter (where effect = 'starts') as starts,
      count(*) filter (where outcome = 'held') as held, count(*) filter (where outcome = 'revoked') as revoked, count(*) filter (where outcome = 'released') as released,
      count(*) filter (where outcome = 'passed-over') as passed_over
    from policy_effects join devices d on d.id = device_id group by change_id) e
  where c.id = e.change_id;

-- A change is counted by one transaction at a time, under its row's lock, and a phone in one statement. A person may have
-- phones in several: whoever had one before is not counted again.
create function policy_effects_added() returns trigger language plpgsql as $$
begin
  update policy_changes c set certificates = c.certificates + a.certificates, people = c.people + a.people, phones = c.phones + a.phones, updatable = c.updatable + a.updatable, starts = c.starts + a.starts
    from (select e.change_id, count(*) filter (where e.effect = 'stops') as certificates, count(distinct e.device_id) filter (where e.effect = 'stops') as phones,
        count(distinct d.person_id) filter (where e.effect = 'stops' and not exists (select from devices o join policy_effects b on b.change_id = e.change_id and b.effect = 'stops' and b.device_id = o.id
          where o.person_id = d.person_id and o.id not in (select device_id from added))) as people,
        count(distinct e.device_id) filter (where e.help = 'update') as updatable, count(*) filter (where e.effect = 'starts') as starts
      from added e join devices d on d.id = e.device_id group by e.change_id) a
    where c.id = a.change_id;
  return null;
end $$;
create trigger policy_effects_added after insert on policy_effects referencing new table as added for each statement execute function policy_effects_added();

create function policy_effects_settled() returns trigger language plpgsql as $$
begin
  update policy_changes c set held = c.held + s.held, revoked = c.revoked + s.revoked, released = c.released + s.released, passed_over = c.passed_over + s.passed_over
    from (select change_id, sum((outcome = 'held')::int * sign) as held, sum((outcome = 'revoked')::int * sign) as revoked, sum((outcome = 'released')::int * sign) as released,
        sum((outcome = 'passed-over')::int * sign) as passed_over
      from (select change_id, outcome, 1 as sign from settled union all select change_id, outcome, -1 from before) o where outcome is not null group by change_id) s
    where c.id = s.change_id;
  return null;
end $$;
create trigger policy_effects_settled after update on policy_effects referencing old table as before new table as settled for each statement execute function policy_effects_settled();

-- Since when a phone waits for somebody's decision: its newest enrollment does. Kept here, because the enrollments that
-- waited once are many and those that wait are few.
alter table devices add column waiting_since timestamptz;
create function waiting_since_of(device uuid) returns timestamptz language sql stable as $$
  select case when state = 'quarantined' and decision ->> 'verdict' = 'quarantine' then coalesce(decided_at, created_at) end
  from enrollments where device_id = device order by created_at desc limit 1
$$;
update devices set waiting_since = waiting_since_of(id) where id in (select device_id from enrollments where state = 'quarantined') and waiting_since_of(id) is not null;
create index devices_waiting on devices (waiting_since, id) where waiting_since is not null;
drop index enrollments_waiting;
create function enrollment_waits() returns trigger language plpgsql as $$
declare
  since timestamptz := waiting_since_of(new.device_id);
begin
  update devices set waiting_since = since where id = new.device_id and waiting_since is distinct from since;
  return null;
end $$;
create trigger enrollment_waits after insert or update of device_id, state, decision on enrollments for each row when (new.device_id is not null) execute function enrollment_waits();
