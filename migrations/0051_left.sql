-- Left as it is, by choice: looked at, so that whoever has to decide about the phone is told.
alter table policy_effects drop constraint policy_effects_outcome_check;
alter table policy_effects add constraint policy_effects_outcome_check check (outcome in ('held', 'revoked', 'released', 'passed-over', 'left'));
alter table policy_changes add column left_alone integer not null default 0;

create or replace function policy_effects_settled() returns trigger language plpgsql as $$
begin
  update policy_changes c set held = c.held + s.held, revoked = c.revoked + s.revoked, released = c.released + s.released, passed_over = c.passed_over + s.passed_over, left_alone = c.left_alone + s.left_alone
    from (select change_id, sum((outcome = 'held')::int * sign) as held, sum((outcome = 'revoked')::int * sign) as revoked, sum((outcome = 'released')::int * sign) as released,
        sum((outcome = 'passed-over')::int * sign) as passed_over, sum((outcome = 'left')::int * sign) as left_alone
      from (select change_id, outcome, 1 as sign from settled union all select change_id, outcome, -1 from before) o where outcome is not null group by change_id) s
    where c.id = s.change_id;
  return null;
end $$;
