-- A change of policy before it is made: what it would reach is counted in slices, so that it survives whoever asked.
-- `checked_to` is the last device that was looked at; `added` names what was put in force, for taking it back.
create table policy_changes (
  id          uuid        primary key,
  edit        jsonb       not null,
  state       text        not null check (state in ('counting', 'ready', 'applying', 'applied', 'undoing', 'undone')),
  created_at  timestamptz not null,
  created_by  text        not null,
  source      text        not null,
  total       integer     not null,
  checked     integer     not null default 0,
  checked_to  uuid,
  action      text        check (action in ('leave', 'hold', 'revoke')),
  due_at      timestamptz,
  notify      boolean     not null default false,
  applied_at  timestamptz,
  applied_by  text,
  undone_at   timestamptz,
  undone_by   text,
  added       uuid[]      not null default '{}'
);
create index policy_changes_by_age on policy_changes (created_at desc, id);
create index policy_changes_under_way on policy_changes (created_at) where state in ('counting', 'applying', 'undoing');

-- What it reaches: a certificate that stops (serial_number), or a phone that may come in (empty serial_number).
create table policy_effects (
  change_id     uuid        not null references policy_changes on delete cascade,
  device_id     uuid        not null references devices,
  serial_number bytea       not null,
  authority_id  smallint,
  invitation_id uuid        not null,
  effect        text        not null check (effect in ('stops', 'starts')),
  verdict       text        not null check (verdict in ('allow', 'quarantine', 'block')),
  help          text        check (help in ('update', 'no-update')),
  why           text        not null,
  person_text   text        not null,
  outcome       text        check (outcome in ('held', 'revoked', 'released', 'passed-over')),
  primary key (change_id, effect, device_id, serial_number)
);
create index policy_effects_due on policy_effects (change_id, device_id, serial_number) where effect = 'stops' and outcome is null;
create index policy_effects_held on policy_effects (change_id, device_id, serial_number) where outcome = 'held';
