-- The log's statements. `syncd.postgres.queries` reads this file: a name, a description, the statement.

-- name: append_one
-- Append records of one partition: take its counter row, insert behind it. One statement, so one round trip and one
-- transaction. Columns are joined by chr(31), see `syncd.postgres.columns`; that of the traces is null where no record has
-- one. Returns the first offset; no row when the log lives another life than $2.
with counter as (
    update log_partitions set offset_next = offset_next + $3::bigint
    where partition = $1::int and life = $2::uuid
    returning partition, offset_next - $3::bigint as offset_start
), written as (
    insert into events (partition, "offset", stream, writer, seq, kind, version, body, trace)
    select c.partition, c.offset_start + r.place - 1,
           r.stream, r.writer, r.seq, r.kind, r.version, r.body, coalesce(r.trace, '')
    from counter c, unnest(
        string_to_array($4::text, chr(31)), string_to_array($5::text, chr(31)), $6::text::bigint[],
        string_to_array($7::text, chr(31)), $8::text::int[], $9::bytea[],
        string_to_array($10::text, chr(31))
    ) with ordinality as r (stream, writer, seq, kind, version, body, trace, place)
)
select offset_start from counter;

-- name: append_many
-- The same for several partitions, $1 ascending, of which $3 says how many records each gets and $4 the place of its
-- first one among all records; $5 is the partition of each record. The counter rows are locked in ascending order before
-- any is moved, so that two appends cannot wait for each other. Returns (partition, first offset), without partitions of
-- another life.
with groups as (
    select * from unnest($1::int[], $3::bigint[], $4::bigint[]) as g (partition, records, place_first)
), locked as (
    select p.partition from log_partitions p join groups g using (partition)
    where p.life = $2::uuid
    order by p.partition for update of p
), counters as (
    update log_partitions p set offset_next = p.offset_next + g.records
    from locked l join groups g using (partition)
    where p.partition = l.partition
    returning p.partition, p.offset_next - g.records as offset_start, g.place_first
), written as (
    insert into events (partition, "offset", stream, writer, seq, kind, version, body, trace)
    select c.partition, c.offset_start + r.place - c.place_first,
           r.stream, r.writer, r.seq, r.kind, r.version, r.body, coalesce(r.trace, '')
    from unnest(
        $5::text::int[],
        string_to_array($6::text, chr(31)), string_to_array($7::text, chr(31)), $8::text::bigint[],
        string_to_array($9::text, chr(31)), $10::text::int[], $11::bytea[],
        string_to_array($12::text, chr(31))
    ) with ordinality as r (partition, stream, writer, seq, kind, version, body, trace, place)
    join counters c using (partition)
)
select partition, offset_start from counters order by partition;

-- name: read
-- Records of a partition from an offset.
select partition, "offset", stream, writer, seq, kind, version, body, trace from events
where partition = $1 and "offset" >= $2 order by "offset" limit $3;

-- name: read_page
-- The same for many records, no more than $4 bytes of bodies, the first one whatever its size: one row, with all values
-- of a column as one text, joined by chr(31) as `syncd.postgres.columns` says; bodies as one, and their lengths. Nulls when
-- there are none.
select array_agg("offset")::text, string_agg(stream, chr(31)), string_agg(writer, chr(31)), array_agg(seq)::text,
       string_agg(kind, chr(31)), array_agg(version)::text, array_agg(octet_length(body))::text, string_agg(body, ''),
       string_agg(trace, chr(31))
from (
    select *, row_number() over page as place, sum(octet_length(body)) over page as bytes from events
    where partition = $1 and "offset" >= $2
    window page as (order by "offset" rows unbounded preceding)
    order by "offset" limit $3
) as counted
where place = 1 or bytes <= $4;

-- name: read_stream
-- Records of a stream at offsets [$2, $5), no more than $4 bytes of bodies; the first one whatever its size. The record
-- that would be too much comes last, without its body, to say that there are more.
select partition, "offset", stream, writer, seq, kind, version,
       case when place = 1 or bytes <= $4 then body end as body, trace
from (
    select *, row_number() over page as place, sum(octet_length(body)) over page as bytes from events
    where stream = $1 and "offset" >= $2 and "offset" < $5
    window page as (order by "offset" rows unbounded preceding)
    order by "offset" limit $3
) as counted
where place <= 2 or bytes - octet_length(body) <= $4 order by "offset";

-- name: find
-- The first record of an event id. A writer has one event of a seq on each stream it writes to. Reads the stream from its
-- beginning until it is met.
select partition, "offset", stream, writer, seq, kind, version, body, trace from events
where writer = $1 and seq = $2 and stream = $3 order by "offset" limit 1;

-- name: bounds
-- The oldest offset kept, the next one, and which life they are counted in.
select offset_start, offset_next, life from log_partitions where partition = $1;

-- name: notify
-- Tell every listener of a channel several things.
select pg_notify($1, payload) from unnest($2::text[]) as payload;

-- name: trim_mark
-- Say that what lies below $2 is gone, before it is deleted, so that no reader takes a hole for the whole.
update log_partitions set offset_start = $2
where partition = $1 and offset_start < $2 and $2 <= offset_next;

-- name: trim_some
-- Delete at most $3 of the oldest records below $2 and tell how many that were.
with gone as (
    delete from events where partition = $1 and "offset" < $2
    and "offset" < (select min("offset") + $3 from events where partition = $1)
    returning 1
)
select count(*) as records from gone;

-- name: overwrite
-- Put other records in the place of some, at their offsets.
update events as e
set writer = r.writer, seq = r.seq, kind = r.kind, version = r.version, body = r.body, trace = r.trace
from unnest($2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::int[], $7::bytea[], $8::text[])
    as r ("offset", writer, seq, kind, version, body, trace)
where e.partition = $1 and e."offset" = r."offset";

-- name: decide_partitions
-- Write down that the log is here and how many partitions there are, if nobody did, and tell what is written.
update deployment set partitions = coalesce(partitions, $1), log = coalesce(log, 'postgres')
returning partitions, life, log;

-- name: is_closed
-- Whether the log takes no appends of its life $1, because `syncd move-log` has closed it.
select exists (select from log_partitions where life <> $1::uuid);

-- name: create_partitions
-- The counter rows that are missing.
insert into log_partitions (partition, life)
select p, $2::uuid from generate_series(0, $1::int - 1) as p on conflict (partition) do nothing;

-- name: identity
-- What an epoch's name is made of: this cluster of files, its timeline (raised by every promotion and point-in-time
-- restore), and the life the operator may renew.
select (select system_identifier from pg_control_system()) as system_identifier,
       substring(pg_walfile_name(pg_current_wal_insert_lsn()) for 8) as timeline,
       (select life from deployment) as marker;

-- name: durable_commits
-- An append that ended is durable, also where the database's default says that commits need not be.
select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off';
