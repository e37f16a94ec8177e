-- Where an event is traced, its record says so to whoever reads it: docs/decisions/0017-watching-and-deploying.md

-- migrate:up

-- A W3C `traceparent`; empty for what is not traced, which takes one byte. Null would take eight: it is the ninth column,
-- and a row with a null in it has a bit for each.
alter table events add column trace text collate "C" not null default '';

-- migrate:down

alter table events drop column trace;
