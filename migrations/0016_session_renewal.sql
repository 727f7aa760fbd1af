-- Somebody's role has changed: their browsers get another token with the next page, so that one from before is worth nothing.
alter table console_sessions add column renew boolean not null default false;
