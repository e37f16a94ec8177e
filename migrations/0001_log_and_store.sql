-- The log as a table, and the store: cells, checkpoints, writers. Words and reasons: docs/decisions/0004-postgres-log.md
-- Text that orders or compares is collated "C": bytes are compared, as in every SDK (merge.md section 2).

-- migrate:up

-- One row: which deployment this is. `life` names the present life of its logs; `syncd migrate --new-epoch` draws
-- another. `partitions` is written down once, by whoever opens the log first.
create table deployment (
    one        boolean primary key default true check (one),
    life       uuid not null default gen_random_uuid(),
    partitions int check (partitions between 1 and 1024)
);
insert into deployment default values;

-- The log. Offsets are handed out by the counter row below, inside the appending transaction.
create table events (
    partition int                not null,
    "offset"  bigint             not null,
    stream    text collate "C"   not null,
    writer    text collate "C"   not null,
    seq       bigint             not null,
    kind      text collate "C"   not null,
    version   int                not null,
    body      bytea              not null,
    primary key (partition, "offset")
);
-- Bodies are short JSON: compressing them costs more processor time than it saves.
alter table events alter column body set storage external;
create index events_of_writer on events (writer, seq);
create index events_of_stream on events (stream, "offset");

-- The counter row of a partition. Whoever appends holds its lock until the commit, so that offsets have no gaps and
-- become visible in their order. Half of the page stays free, so that its updates never leave it (HOT).
create table log_partitions (
    partition    int primary key,
    life         uuid   not null,
    offset_start bigint not null default 0,
    offset_next  bigint not null default 0,
    check (0 <= offset_start and offset_start <= offset_next)
) with (fillfactor = 50);

create table cells (
    stream     text collate "C" not null,
    key        text collate "C" not null,
    rank       text collate "C" not null,
    value      bytea            not null,
    log_offset bigint           not null,
    primary key (stream, key)
);
-- Resume asks for what changed since an offset.
create index cells_by_offset on cells (stream, log_offset);

-- `term` is the fence: a commit names the term of its lease, and raising it shuts out whoever held the one before.
create table checkpoints (
    partition   int primary key,
    epoch       text collate "C" not null default '',
    offset_next bigint           not null default 0,
    term        bigint           not null default 0
) with (fillfactor = 50);

-- Apart from checkpoints, so that a renewal never waits for a commit.
create table leases (
    partition  int primary key,
    holder     text        not null,
    term       bigint      not null,
    expires_at timestamptz not null
) with (fillfactor = 50);

create table streams (
    stream     text collate "C" primary key,
    owner      text collate "C",
    generation int not null default 0
);

-- Who a writer is: an account's device, and one local store of it (the nonce).
create table writer_ids (
    writer  text collate "C" primary key,
    account text collate "C" not null,
    device  text collate "C" not null,
    nonce   text collate "C" not null
);

-- The largest seq and time folded, per writer and stream.
create table writers (
    writer text collate "C" not null,
    stream text collate "C" not null,
    seq    bigint           not null,
    t      bigint           not null,
    primary key (writer, stream)
);

-- Seqs used up by events that were refused for good.
create table voids (
    writer text collate "C" not null,
    stream text collate "C" not null,
    seq    bigint           not null,
    reason text             not null,
    primary key (writer, stream, seq)
);

-- Records that could not be lowered, whole, so that they can be appended again.
create table dead_letters (
    partition int              not null,
    epoch     text collate "C" not null,
    "offset"  bigint           not null,
    stream    text collate "C" not null,
    writer    text collate "C" not null,
    seq       bigint           not null,
    kind      text collate "C" not null,
    version   int              not null,
    body      bytea            not null,
    reason    text             not null,
    primary key (partition, epoch, "offset")
);

-- An upper bound of each list's items, for the limit at admission, as counted in one life of the log.
create table list_slots (
    stream    text collate "C" not null,
    list_name text collate "C" not null,
    epoch     text collate "C" not null,
    slots     bigint           not null,
    primary key (stream, list_name)
);

-- migrate:down

drop table list_slots, dead_letters, voids, writers, writer_ids, streams, leases, checkpoints, cells,
    log_partitions, events, deployment;
