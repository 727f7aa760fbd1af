-- What the owner of a phone that was refused or set aside personally is told, in the admin's own words.
alter table exemptions add column text_for_person text;
