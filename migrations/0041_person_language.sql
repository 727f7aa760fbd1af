-- In which language a person is written to; null is both.
alter table people add column language text check (language in ('en', 'de'));
