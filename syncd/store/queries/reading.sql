-- What push, the API and the operators ask for.

-- name: cells
-- All cells of a stream with the partition's checkpoint. One statement sees one snapshot, so they belong together. Arrays,
-- because a row of its own for each of 10,000 cells costs the driver more than the cells do.
select checkpoint.epoch, checkpoint.offset_next,
       coalesce((select generation from streams where stream = $1), 0) as generation, found.*
from (select 1) as one
left join checkpoints as checkpoint on checkpoint.partition = $2
cross join lateral (
    select array_agg(key) as keys, array_agg(rank) as ranks, array_agg(value) as values,
           array_agg(log_offset) as log_offsets
    from (select key, rank, value, log_offset from cells where stream = $1 order by key) as sorted
) as found;

-- name: cells_since
-- The same for cells that changed at or after an offset. Unsorted, so that the planner takes the index on spans of
-- offsets and never walks a whole playlist for one change.
select checkpoint.epoch, checkpoint.offset_next,
       coalesce((select generation from streams where stream = $1), 0) as generation, found.*
from (select 1) as one
left join checkpoints as checkpoint on checkpoint.partition = $2
cross join lateral (
    select array_agg(key) as keys, array_agg(rank) as ranks, array_agg(value) as values,
           array_agg(log_offset) as log_offsets
    from cells where stream = $1 and log_span >= $3::bigint >> 14 and log_offset >= $3::bigint
) as found;

-- name: cells_under
-- The same for the keys under some prefixes. Keys are ASCII, so everything under p lies between p and p || DEL.
select checkpoint.epoch, checkpoint.offset_next,
       coalesce((select generation from streams where stream = $1), 0) as generation, found.*
from (select 1) as one
left join checkpoints as checkpoint on checkpoint.partition = $2
cross join lateral (
    select array_agg(key) as keys, array_agg(rank) as ranks, array_agg(value) as values,
           array_agg(log_offset) as log_offsets
    from unnest($3::text[]) as prefix
    join cells on stream = $1 and key >= prefix collate "C" and key < (prefix || chr(127)) collate "C"
) as found;

-- name: streams
-- Owners and generations of the streams that have a row.
select stream, owner, generation from streams where stream = any($1::text[]);

-- name: slots
-- How many slots the lists of some streams have by the projector's count.
select stream, list_name, slots from list_slots where stream = any($1::text[]);

-- name: counts
-- What is counted of some streams, with the partition's checkpoint: one statement, one snapshot.
select checkpoint.epoch, checkpoint.offset_next, counted.*, used_up.*, added.*
from (select 1) as one
left join checkpoints as checkpoint on checkpoint.partition = $2
cross join lateral (
    select array_agg(stream) as writer_streams, array_agg(writer) as writers, array_agg(seq) as seqs, array_agg(t) as ts
    from writers where stream = any($1::text[])
) as counted
cross join lateral (
    select array_agg(stream) as void_streams, array_agg(writer) as void_writers, array_agg(seq) as void_seqs
    from voids where stream = any($1::text[])
) as used_up
cross join lateral (
    select array_agg(stream) as list_streams, array_agg(list_name) as lists, array_agg(slots) as slots
    from list_slots where stream = any($1::text[])
) as added;

-- name: erased_streams
-- Streams that went with their account.
select stream from streams where owner = $1;

-- name: streams_with_cells
-- A page of the streams that have cells. Each is looked up behind the one before, so that a stream of 10,000 cells costs
-- as much as one of three.
with recursive found as (
    (select stream, 1 as number from cells where stream > $1 order by stream limit 1)
    union all
    select beyond.stream, found.number + 1
    from found cross join lateral (
        select stream from cells where cells.stream > found.stream order by stream limit 1
    ) as beyond
    where found.number < $2
)
select stream from found order by stream;
