-- The list of all records goes by time. For records of one action or of one person the planner took that index as well, and went back
-- through everybody's until it had found enough: with a rare action, through all. They order by "at" itself, which this one has no more.
drop index audit_by_time;
create index audit_by_time on audit ((at at time zone 'UTC'), id);
