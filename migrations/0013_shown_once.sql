-- What is told once (links of invitations, a new token) to the page after the form, so that reading that page again
-- sends no form again. Encrypted under a key that only the cookie of the browser has; gone after ten minutes.
create table shown_once (
  id         uuid        primary key,
  session_id uuid        not null,
  sealed     bytea       not null,
  expires_at timestamptz not null
);
create index shown_once_by_end on shown_once (expires_at);
