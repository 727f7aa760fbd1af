-- The list of people, newest first.
create index people_by_age on people (created_at desc, id desc);
