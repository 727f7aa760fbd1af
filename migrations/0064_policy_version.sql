-- A new number with every change of what is the same for all phones: who decides about one reads this, and the rest only when
-- it is another one. A random number, so that none means two things, whatever backup is taken back.
create table policy_version (
  only_one boolean not null primary key default true check (only_one),
  version  uuid    not null default gen_random_uuid()
);
insert into policy_version default values;

create function policy_changed() returns trigger language plpgsql as $$
begin
  update policy_version set version = gen_random_uuid();
  return null;
end $$;
create trigger policy_changed after insert or update or delete or truncate on approvals for each statement execute function policy_changed();
create trigger policy_changed after insert or update or delete or truncate on rules for each statement execute function policy_changed();
create trigger policy_changed after insert or update or delete or truncate on settings for each statement execute function policy_changed();
