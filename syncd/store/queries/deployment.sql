-- The one row that says which deployment this is.

-- name: deployment
-- What is written down.
select life, partitions, log, topic_id, epoch from deployment;

-- name: claim_topic
-- Write down that the log is in a topic. No row when something else was written meanwhile.
update deployment set log = coalesce(log, $1::text), topic_id = $2::text, partitions = $3::int
where life = $4::uuid and coalesce(topic_id, '') in ('', $2::text) and coalesce(partitions, $3::int) = $3::int
    and log is distinct from 'postgres'
returning log;

-- name: open_abandoned
-- Let appends into the table again, unless somebody is moving the log just now ($1 is his lock). A row when they may.
with abandoned as (
    select life from deployment where log = 'postgres' and pg_try_advisory_xact_lock($1::bigint)
), opened as (
    update log_partitions set life = abandoned.life from abandoned
)
select life from abandoned;

-- name: place
-- In which life the log is, where, and whether it is about to move.
select life, log, log = 'postgres' and exists (
    select from log_partitions where log_partitions.life <> deployment.life
) as is_closed from deployment;
