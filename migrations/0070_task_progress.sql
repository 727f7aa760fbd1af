-- How far a task of the schedule has come, for whoever goes on with it.
create table task_progress (
  task  text        primary key,
  until timestamptz not null
);
