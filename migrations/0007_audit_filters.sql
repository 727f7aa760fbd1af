-- The record of changes is looked through by who, what and when, and grows for ever.
create index audit_by_actor on audit (actor, id desc);
create index audit_by_action on audit (action text_pattern_ops, id desc);
create index audit_by_time on audit (at, id);
