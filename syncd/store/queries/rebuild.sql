-- A second generation of cells, beside the live one.

-- name: take_right
-- The right to rebuild, for as long as this connection stands. False when somebody else has it.
select pg_try_advisory_lock($1) as taken;

-- name: give_right_back
-- At once, and not when the server notices that a connection was cut.
select pg_advisory_unlock($1);

-- name: positions
-- How far a run has come in its partitions, by which program in which life of the log.
select partition, epoch, program, offset_next from rebuilds where run = $1;

-- name: begin
-- A run in its partitions, from their beginning.
insert into rebuilds (run, program, partition, epoch, offset_next)
select $1, $2, r.partition, r.epoch, 0 from unnest($3::int[], $4::text[]) as r (partition, epoch);

-- name: stage
-- Join cells into what is staged, and note how far the run has come. Columns as in `commit` of projection.sql. No row when
-- the run is not there any more.
with noted as (
    update rebuilds set offset_next = $3 where run = $1 and partition = $2 returning run
), staged as (
    insert into rebuilt_cells (run, stream, key, rank, value)
    select noted.run, r.stream, r.key, r.rank, convert_to(r.value, 'UTF8')
    from noted, unnest(
        string_to_array($4::text, chr(31)), string_to_array($5::text, chr(31)), string_to_array($6::text, chr(31)),
        string_to_array($7::text, chr(10))
    ) as r (stream, key, rank, value)
    on conflict (run, stream, key) do update set rank = excluded.rank, value = excluded.value
    where (excluded.rank, excluded.value) > (rebuilt_cells.rank, rebuilt_cells.value)
)
select run from noted;

-- name: describe_staged
-- Tell the planner what is there: nobody has looked at these tables since they were filled.
analyze rebuilt_cells;

-- name: page_end
-- The stream with which a page of about $3 cells behind the stream $2 ends, in either generation; null for the rest.
select least(
    (select stream from cells where stream > $2 order by stream, key offset $3 limit 1),
    (select stream from rebuilt_cells where run = $1 and stream > $2 order by stream, key offset $3 limit 1)
) as stream;

-- name: candidates
-- Streams in ($2, $3] that differ between the generations; $3 null: all the rest.
select stream
from (select stream, key, rank, value from cells
      where stream > $2 and ($3::text is null or stream <= $3::text)) as live
full join (select stream, key, rank, value from rebuilt_cells
           where run = $1 and stream > $2 and ($3::text is null or stream <= $3::text)) as staged using (stream, key)
where (live.rank, live.value) is distinct from (staged.rank, staged.value)
group by stream order by stream;

-- name: make_checkpoint
-- A partition that nobody has folded has a checkpoint too, so that it can be held.
insert into checkpoints (partition) values ($1) on conflict do nothing;

-- name: hold_checkpoint
-- No projector commits until this transaction ends.
select epoch, offset_next from checkpoints where partition = $1 for update;

-- name: hold_run
-- Whoever forgets all runs, as an erasure does, waits until this transaction ends. No row when somebody did.
select run from rebuilds where run = $1 and partition = $2 for key share;

-- name: differences
-- Of some streams, what differs between the generations.
select stream,
       count(*) filter (where live.rank is null) as missing,
       count(*) filter (where staged.rank is null) as extra,
       count(*) filter (where live.rank is not null and staged.rank is not null) as different,
       bool_or(staged.rank is null or coalesce((live.rank, live.value) > (staged.rank, staged.value), false)) as falls,
       (array_agg(key order by key))[1:$3] as keys
from (select stream, key, rank, value from cells where stream = any($2::text[])) as live
full join (select stream, key, rank, value from rebuilt_cells
           where run = $1 and stream = any($2::text[])) as staged using (stream, key)
where (live.rank, live.value) is distinct from (staged.rank, staged.value)
group by stream order by stream;

-- name: digests
-- The digest of each stream in both generations, as a sum of signed numbers: modulo 2^64 that is the same.
select generation, stream,
       sum(('x' || encode(substring(sha256(
           convert_to(key, 'UTF8') || '\x00'::bytea || convert_to(rank, 'UTF8') || '\x00'::bytea || value
       ) for 8), 'hex'))::bit(64)::bigint::numeric) as digest
from (
    select 'live' as generation, stream, key, rank, value from cells where stream = any($2::text[])
    union all
    select 'staged', stream, key, rank, value from rebuilt_cells where run = $1 and stream = any($2::text[])
) as both_generations
group by generation, stream;

-- name: remove_extra
-- Live cells of these streams that are not staged go.
with gone as (
    delete from cells where stream = any($2::text[]) and not exists (
        select 1 from rebuilt_cells as staged
        where staged.run = $1 and staged.stream = cells.stream and staged.key = cells.key
    )
    returning 1
)
select count(*) as removed from gone;

-- name: put_staged
-- Staged cells of these streams take the place of the live ones from which they differ, at the offset of their stream.
with put as (
    insert into cells (stream, key, rank, value, log_offset)
    select staged.stream, staged.key, staged.rank, staged.value, offsets.log_offset
    from rebuilt_cells as staged
    join unnest($2::text[], $3::bigint[]) as offsets (stream, log_offset) using (stream)
    where staged.run = $1
    on conflict (stream, key) do update set
        rank = excluded.rank, value = excluded.value, log_offset = excluded.log_offset
    where (cells.rank, cells.value) is distinct from (excluded.rank, excluded.value)
    returning 1
)
select count(*) as changed from put;

-- name: raise_generations
-- Devices of these streams take a snapshot.
insert into streams (stream, generation) select stream, 1 from unnest($1::text[]) as stream
on conflict (stream) do update set generation = streams.generation + 1;

-- name: discard
-- Forget what one stream's run has staged.
with positions as (delete from rebuilds where run = $1)
delete from rebuilt_cells where run = $1;

-- name: discard_all
-- Forget what all runs have staged: at once, however much it is. A stream's run that was stopped begins anew.
truncate rebuilt_cells, rebuilds;

-- name: swap_ended
-- Wait for whoever holds the checkpoint to swap; commits of projectors neither wait for this nor are waited for.
select 1 from checkpoints where partition = $1 for key share;
