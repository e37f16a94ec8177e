-- A second generation of cells, built from the log beside the live one: docs/decisions/0013-rebuild.md
-- Unlogged, both: a crash of Postgres empties them together, and the rebuild begins anew. What matters is the log.

-- migrate:up

-- `run`: a stream, when one is rebuilt by itself, or empty for everything.
create unlogged table rebuilt_cells (
    run    text collate "C" not null,
    stream text collate "C" not null,
    key    text collate "C" not null,
    rank   text collate "C" not null,
    value  bytea            not null,
    primary key (run, stream, key)
);

-- How far a run has folded a partition, and by which program: two programs may lower differently, so theirs do not mix.
create unlogged table rebuilds (
    run         text collate "C" not null,
    partition   int              not null,
    epoch       text collate "C" not null,
    program     text collate "C" not null,
    offset_next bigint           not null,
    primary key (run, partition)
) with (fillfactor = 50);

-- migrate:down

drop table rebuilt_cells, rebuilds;
