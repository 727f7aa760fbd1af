-- What is in force is counted from this index alone: with 10 million certificates the rows themselves are 20 GB, and reading them all took
-- longer than a statement may, so that nothing was ever counted.
create index certificates_by_end_new on certificates (not_after, serial_number) include (authority_id, device_id, test, grade) where kind = 'device' and state = 'issued';
-- Only now, so that it can be read until then.
drop index certificates_by_end;
alter index certificates_by_end_new rename to certificates_by_end;
-- When it was last tried, and how long that took: the next one waits in proportion.
alter table counted add column tried_at timestamptz, add column seconds double precision not null default 0;
