-- Lists in every order that they offer, a page at a time: each order is an index whose columns all go one way, so that it
-- is read in both directions, and ends in the row's own key, so that rows of one instant have their places too.
drop index devices_by_age;
create index devices_by_age on devices (created_at, id);
drop index devices_by_product_type;
create index devices_by_product_type on devices (product_type, created_at, id);
drop index invitations_by_age;
create index invitations_by_age on invitations (created_at, id);
create index invitations_by_end on invitations (expires_at, id);
drop index certificates_by_age;
create index certificates_by_age on certificates (created_at, serial_number) where kind = 'device' and state = 'issued';
drop index certificates_ending;
create index certificates_by_end on certificates (not_after, serial_number) where kind = 'device' and state = 'issued';
-- What a newer one replaced needs nobody when it ends: nearly all that end.
create index certificates_ending on certificates (not_after) where kind = 'device' and state = 'issued' and superseded_by is null;

-- People by name as it is compared, then by address; the same on every engine. The text is cut: an index holds no long ones.
create index people_by_name on people ((left(search, 120)) collate "C", id);

-- Phones that wait for somebody's decision, the longest waiting first.
create index enrollments_waiting on enrollments (decided_at, id) where state = 'quarantined' and decision ->> 'verdict' = 'quarantine';

-- The record of changes, by time under every filter. A noun (`invitation`) is all its actions, read one by one; so is an actor.
drop index audit_by_subject;
create index audit_by_subject on audit (subject, at, id);
drop index audit_by_actor;
create index audit_by_actor on audit (actor, action collate "C", at, id);
drop index audit_by_action;
create index audit_by_action on audit (action collate "C", at, id);
