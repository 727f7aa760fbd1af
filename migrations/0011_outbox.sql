-- Mail and webhooks that are to be sent, written in the transaction of what they tell and sent by the schedule.
-- body may hold an invitation's link: it is emptied as soon as the message is sent or given up.
create table outbox (
  id          bigint      generated always as identity primary key,
  kind        text        not null check (kind in ('mail', 'webhook')),
  event       text        not null,
  recipient   text        check ((kind = 'mail') = (recipient is not null)),
  subject     text        not null,
  body        text,
  created_at  timestamptz not null,
  due_at      timestamptz not null,
  attempts    integer     not null default 0,
  last_error  text,
  ended_at    timestamptz,
  sent        boolean     not null default false,
  check ((ended_at is null) = (body is not null))
);
create index outbox_due on outbox (due_at) where ended_at is null;
create index outbox_ended on outbox (ended_at) where ended_at is not null;

-- What somebody was told already: once for each subject.
create table notices (
  event   text        not null,
  subject text        not null,
  at      timestamptz not null,
  primary key (event, subject)
);
create index notices_by_age on notices (at);
