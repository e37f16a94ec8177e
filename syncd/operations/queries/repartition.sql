-- Changing how many partitions the log has. All that is done in Postgres is one transaction.

-- name: deployment
-- How many there are, and where the log is; nobody else decides about it meanwhile.
select partitions, coalesce(log, 'postgres') as log, life from deployment for update;

-- name: close_door
-- Nobody appends or reads meanwhile, whoever it is.
lock table events, log_partitions, cells, writers, checkpoints, leases in access exclusive mode;

-- name: was_trimmed
-- Whether records are gone already: then the new log must not look as if it were whole.
select coalesce(bool_or(offset_start > 0), false) from log_partitions;

-- name: make_room
-- Where the records wait; it is gone with the transaction.
create temporary table laid_out (like events including storage) on commit drop;

-- name: lay_out
-- Each record under its new partition, one of $1, and its new offset, from $2 on without gaps. A stream's records keep
-- their order. The partition: first 8 bytes of SHA-256(stream) as an unsigned number modulo the count, as
-- `syncd.log.partition` has it; here modulo twice, by halves, since Postgres has no unsigned numbers of 64 bits.
insert into laid_out (partition, "offset", stream, writer, seq, kind, version, body, trace)
select placed.partition_new, $2::bigint + row_number() over moved - 1,
       placed.stream, placed.writer, placed.seq, placed.kind, placed.version, placed.body, placed.trace
from (
    select events.*,
           ((('x' || substr(hash, 1, 8))::bit(32)::bigint % $1::int * (4294967296 % $1::int)
             + ('x' || substr(hash, 9, 8))::bit(32)::bigint) % $1::int)::int as partition_new
    from events, lateral (select encode(sha256(convert_to(stream, 'UTF8')), 'hex') as hash) as hashed
) as placed
window moved as (partition by placed.partition_new order by placed.partition, placed."offset");

-- name: empty
-- The old places.
truncate events;

-- name: move_in
-- Into the new ones.
insert into events select * from laid_out order by partition, "offset";

-- name: renew_life
-- Every cursor handed out so far leads to a snapshot.
update deployment set partitions = $1, life = gen_random_uuid();

-- name: move_to_topic
-- The same, with the log in a topic, which has the name $1, the id $2 and $3 partitions.
update deployment set log = $1::text, topic_id = $2::text, partitions = $3::int, life = gen_random_uuid(), epoch = null;

-- name: drop_counters
-- The counter rows of the old partitions.
delete from log_partitions;

-- name: make_counters
-- Those of the new ones, $1 of them, whose offsets begin at $2.
insert into log_partitions (partition, life, offset_start, offset_next)
select p, deployment.life, $2::bigint, $2::bigint + (select count(*) from events where partition = p)
from deployment, generate_series(0, $1::int - 1) as p;

-- name: cells_of_no_offset
-- Offsets of the old life say nothing in the new one, and large ones would be sent again and again.
update cells set log_offset = 0 where log_offset <> 0;

-- name: writers_of_no_offset
-- The same for where writers were last.
update writers set log_offset = -1 where log_offset <> -1;

-- name: forget_partitions
-- Leases of partitions that there are no more.
delete from leases where partition >= $1;

-- name: forget_checkpoints
-- And their checkpoints.
delete from checkpoints where partition >= $1;

-- name: end_leases
-- Whoever held one is shut out by the term.
update leases set term = term + 1, expires_at = '-infinity';

-- name: begin_checkpoints
-- Everything is folded once more, which changes nothing that is right.
insert into checkpoints (partition, offset_next) select p, $2::bigint from generate_series(0, $1::int - 1) as p
on conflict (partition) do update set epoch = '', offset_next = excluded.offset_next, term = checkpoints.term + 1;
