-- Looked at and found to have an honest reason. What was looked at and refused goes on being a contradiction.
alter table activesync_findings add column accepted boolean not null default false;
