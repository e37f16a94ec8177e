-- The one row that says which deployment this is.

-- name: deployment
-- What is written down.
select life, partitions, log, topic_id from deployment;

-- name: claim_topic
-- Write down that the log is in a topic. No row when something else was written meanwhile.
update deployment set log = coalesce(log, $1::text), topic_id = $2::text, partitions = $3::int
where life = $4::uuid and coalesce(topic_id, '') in ('', $2::text) and coalesce(partitions, $3::int) = $3::int
    and log is distinct from 'postgres'
returning log;
