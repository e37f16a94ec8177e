-- Where the log is: settings say where to look for it, this row says where it must be.

-- migrate:up

-- `log`: null until somebody opened it; `postgres`, or the Kafka topic as whoever opened it first had it in SYNCD_LOG.
-- `topic_id`: of that topic, which tells it from one that was made again under its name. Null before the first opening;
-- empty after `syncd migrate --new-epoch`, which lets the next opening take whatever is there.
alter table deployment add column log text, add column topic_id text;
update deployment set log = 'postgres' where partitions is not null;

-- migrate:down

alter table deployment drop column topic_id, drop column log;
