-- Figures that pages show, counted by the schedule: a page reads some hundred rows instead of all certificates.
-- topic says what is counted, key of what: a day (`2026-03-01`, in UTC), a model, a grade.
create table counts (
  topic text   not null check (topic in ('phones', 'in-force', 'model', 'grade', 'ends', 'issued', 'revoked')),
  key   text   not null,
  value bigint not null,
  primary key (topic, key)
);

-- When; its row is the lock of whoever counts.
create table counted (
  one        boolean     primary key default true check (one),
  counted_at timestamptz
);
insert into counted default values;

create index revocations_by_time on revocations (revoked_at);
