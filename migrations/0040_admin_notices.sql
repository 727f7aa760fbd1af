-- What people who administer want to be told by mail, where they have chosen: without a row, what their role is told.
create table admin_notices (
  admin_id uuid    not null references admins,
  kind     text    not null check (kind in ('device.quarantined', 'front-end.standing', 'certificates.ending', 'signing.late', 'webhook.failed', 'policy.finished')),
  wanted   boolean not null,
  primary key (admin_id, kind)
);
