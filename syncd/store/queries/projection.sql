-- The projector's statements: leases, checkpoints, commits.

-- name: acquire
-- Take a lease that is free or over, by this database's clock, and shut out its last holder by raising the term that
-- commits are compared with. No row when somebody holds it, or has given it back less than $4 seconds ago.
with taken as (
    insert into leases (partition, holder, term, expires_at)
    values ($1, $2, 1, clock_timestamp() + make_interval(secs => $3))
    on conflict (partition) do update set
        holder = excluded.holder, term = leases.term + 1, expires_at = clock_timestamp() + make_interval(secs => $3)
    where leases.expires_at <= clock_timestamp() - make_interval(secs => case when leases.holder = '' then $4 else 0 end)
    returning partition, term
)
insert into checkpoints (partition, term) select partition, term from taken
on conflict (partition) do update set term = excluded.term
returning term;

-- name: renew
-- Prolong a lease that still stands.
update leases set expires_at = clock_timestamp() + make_interval(secs => $4)
where partition = $1 and holder = $2 and term = $3 and expires_at > clock_timestamp()
returning term;

-- name: release
-- Let the next holder in at once.
update leases set expires_at = least(expires_at, clock_timestamp()), holder = '' where partition = $1 and holder = $2 and term = $3;

-- name: checkpoint
-- Where a partition's cells stand.
select epoch, offset_next from checkpoints where partition = $1;

-- name: begin_epoch
-- Move the checkpoint into another life of the log. Fenced by the term, as a commit.
update checkpoints set epoch = $3, offset_next = $4 where partition = $1 and term = $2 returning partition;

-- name: commit
-- One projector's batch: the fence first, and everything else only if it let one row through; a statement of its own,
-- so one round trip and one transaction. Cells join by (rank, value), as merge.md section 2 says; writers by the larger
-- seq and t; slots add up within an epoch; voids and dead letters come once. A checkpoint that was never committed takes the epoch.
-- The columns of cells, writers and slots are joined by chr(31), see `syncd.postgres.columns`, and values by line breaks.
-- The transaction does not wait for the disk, nor do appends behind it: what a crash takes back is folded once more.
-- After every $32 rows of a table the backend rests, so that others get at the processor that they may share.
-- Returns whether the fence let it through, and how many cells changed.
with fence as (
    update checkpoints set epoch = $3::text, offset_next = $5::bigint
    where partition = $1::int and term = $2::bigint and offset_next = $4::bigint and epoch in ($3::text, '')
    returning partition, epoch, set_config('synchronous_commit', 'off', true)
), joined as (
    insert into cells (stream, key, rank, value, log_offset)
    select r.stream, r.key, r.rank, convert_to(r.value, 'UTF8'), r.log_offset
    from fence, unnest(
        string_to_array($6::text, chr(31)), string_to_array($7::text, chr(31)), string_to_array($8::text, chr(31)),
        string_to_array($9::text, chr(10)), $10::text::bigint[]
    ) with ordinality as r (stream, key, rank, value, log_offset, place)
    where r.place % $32::int > 0 or pg_sleep(0.001)::text = ''
    on conflict (stream, key) do update set
        rank = excluded.rank, value = excluded.value, log_offset = excluded.log_offset
    where (excluded.rank, excluded.value) > (cells.rank, cells.value)
    returning 1
), writers_seen as (
    insert into writers (writer, stream, seq, t, log_offset)
    select r.writer, r.stream, r.seq, r.t, r.log_offset
    from fence, unnest(
        string_to_array($11::text, chr(31)), string_to_array($12::text, chr(31)), $13::text::bigint[],
        $14::text::bigint[], $31::text::bigint[]
    ) with ordinality as r (writer, stream, seq, t, log_offset, place)
    where r.place % $32::int > 0 or pg_sleep(0.001)::text = ''
    on conflict (writer, stream) do update set
        seq = greatest(writers.seq, excluded.seq), t = greatest(writers.t, excluded.t),
        log_offset = case when excluded.seq >= writers.seq then excluded.log_offset else writers.log_offset end
    where excluded.seq >= writers.seq or excluded.t > writers.t
), voids_seen as (
    insert into voids (writer, stream, seq, reason)
    select r.* from fence, unnest($15::text[], $16::text[], $17::bigint[], $18::text[]) as r
    on conflict do nothing
), slots_added as (
    insert into list_slots (epoch, stream, list_name, slots)
    select fence.epoch, r.stream, r.list_name, r.slots from fence, unnest(
        string_to_array($19::text, chr(31)), string_to_array($20::text, chr(31)), $21::text::bigint[]
    ) with ordinality as r (stream, list_name, slots, place)
    where r.place % $32::int > 0 or pg_sleep(0.001)::text = ''
    on conflict (stream, list_name) do update set
        epoch = excluded.epoch,
        slots = excluded.slots + case when list_slots.epoch = excluded.epoch then list_slots.slots else 0 end
), set_aside as (
    insert into dead_letters (partition, epoch, "offset", stream, writer, seq, kind, version, body, reason)
    select r.partition, fence.epoch, r."offset", r.stream, r.writer, r.seq, r.kind, r.version, r.body, r.reason
    from fence, unnest($22::int[], $23::bigint[], $24::text[], $25::text[], $26::bigint[], $27::text[], $28::int[],
                       $29::bytea[], $30::text[])
        as r (partition, "offset", stream, writer, seq, kind, version, body, reason)
    on conflict do nothing
)
select (select count(*) from fence) = 1 as passed, (select count(*) from joined) as changed;

-- name: make_durable
-- A commit that waits for the disk, and so for all commits before it. It has to write something.
update checkpoints set term = term where partition = $1 returning set_config('synchronous_commit', 'on', true);

-- name: dead_letters_waiting
-- How many records of a partition are set aside; read from the primary key alone.
select count(*) as waiting from dead_letters where partition = $1;
