-- Moving the log out of Postgres.

-- name: lock
-- Held as long as the connection lives; false when somebody else moves the log.
select pg_try_advisory_lock($1::bigint);

-- name: begin
-- The life of a deployment whose log is here.
select life from deployment where log = 'postgres';

-- name: bounds
-- What every partition holds.
select partition, offset_start, offset_next from log_partitions order by partition;

-- name: read
-- Records of a part of a partition.
select partition, "offset", stream, writer, seq, kind, version, body, trace from events
where partition = $1 and "offset" >= $2 and "offset" < $3 order by "offset" limit $4;

-- name: erased
-- How many records were overwritten because their account was erased; written out, so that their index is taken.
select count(*) from events where writer = 'erased0000';

-- name: close
-- From here on nobody's appends are taken: they name another life. Waits for those under way.
update log_partitions set life = $1::uuid;

-- name: open
-- The opposite, where the log is still here.
update log_partitions set life = deployment.life from deployment where deployment.log = 'postgres';

-- name: change_over
-- The log is in a topic. No row unless it was closed by us ($5) all the time.
update deployment set log = $1::text, topic_id = $2::text, epoch = $3::text
where log = 'postgres' and life = $4::uuid and not exists (select from log_partitions where life <> $5::uuid)
returning life;
