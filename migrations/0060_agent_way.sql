-- How the agent that sent a receipt was known: by the certificate of its connection, or by what it signed.
alter table front_end_receipts add column way text check (way in ('mutual-tls', 'signed'));
