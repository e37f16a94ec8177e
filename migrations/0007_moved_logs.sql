-- A log that moved from Postgres into a topic keeps the name of its epoch, since its offsets are the same.

-- migrate:up

-- Null: the epoch is named after the topic and `life`.
alter table deployment add column epoch text;

-- migrate:down

alter table deployment drop column epoch;
