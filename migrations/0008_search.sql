-- Finding people, phones and certificates by a part of what is known of them: by PostgreSQL's own GIN over arrays, so
-- without extensions, and without the cluster's locale, so that the same letters are equal on every engine.

-- Text as it is compared: small letters without accents, one space between words. What is longer is cut: names in
-- certificates are not.
create function search_fold(value text) returns text language sql immutable strict parallel safe as $$
  select btrim(regexp_replace(translate(normalize(left(value, 500), NFKD),
    'ABCDEFGHIJKLMNOPQRSTUVWXYZÆŒØĐŁÞΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩςАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЂЄЅІЈЉЊЋЏøđłı'
      || U&'\0300\0301\0302\0303\0304\0306\0307\0308\0309\030A\030B\030C\031B\0323\0327\0328\0342\0345\0313\0314',
    'abcdefghijklmnopqrstuvwxyzæœodlþαβγδεζηθικλμνξοπρστυφχψωσабвгдежзийклмнопрстуфхцчшщъыьэюяђєѕіјљњћџodli'),
    '[ \t\n\v\f\r]+', ' ', 'g'))
$$;

-- What is looked up: every three letters in a row, and the first one and two of every word. Fields are told apart by a
-- line feed before each; a word's beginning is written with one too.
create function search_grams(value text) returns text[] language sql immutable strict parallel safe cost 1000 as $$
  select array(
    select gram from (
      select substr(value, i, 3) as gram from generate_series(1, length(value) - 2) as i
      union all
      select E'\n' || substr(value, i + 1, n) from generate_series(1, length(value) - 1) as i, generate_series(1, 2) as n
        where substr(value, i, 1) in (E'\n', ' ')
    ) grams where strpos(substr(gram, 2), E'\n') = 0 and (length(gram) = 3 or gram like E'\n_'))
$$;

alter table people add column search text generated always as (E'\n' || search_fold(name) || E'\n' || search_fold(email)) stored;
alter table devices add column search text
  generated always as (E'\n' || search_fold(serial_number) || E'\n' || search_fold(udid) || E'\n' || search_fold(product_type)) stored;
create index people_search on people using gin (search_grams(search));
create index devices_search on devices using gin (search_grams(search));
create index certificates_search on certificates
  using gin (search_grams(E'\n' || encode(serial_number, 'hex') || E'\n' || encode(sha256, 'hex'))) where kind = 'device' and state = 'issued';
-- By the model's name, which the catalogue turns into product types.
create index devices_by_product_type on devices (product_type, created_at desc, id desc);
