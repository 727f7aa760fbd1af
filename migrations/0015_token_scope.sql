-- Which areas of the API a token may use: `invitations` to change them too, `invitations:read` to read them only.
-- null: all that its role may.
alter table tokens add column scope text[] check (cardinality(scope) > 0);
