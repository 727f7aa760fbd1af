-- The organization's own devices, as an admin imported them. One row is one device; numbers are in capital letters.
-- product_types: what its model may be, because a name can stand for several; none where the list says no model.
create table inventory (
  id            bigint generated always as identity primary key,
  serial_number text        unique,
  udid          text        unique,
  product_types text[]      not null,
  model         text,
  owner_email   text,
  asset_tag     text,
  imported_at   timestamptz not null,
  imported_by   text        not null,
  check (serial_number is not null or udid is not null)
);

-- Phones are held against it by their numbers.
create index devices_by_inventory_serial_number on devices (upper(serial_number));
create index devices_by_inventory_udid on devices (upper(udid));
create index inventory_by_owner on inventory (owner_email) where owner_email is not null;
create index inventory_by_asset_tag on inventory (asset_tag) where asset_tag is not null;
