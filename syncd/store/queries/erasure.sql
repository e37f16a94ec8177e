-- Forgetting accounts.

-- name: forget_rebuilds
-- What a rebuild has staged may hold what is being erased: none goes on, none that is under way can stage or swap. Waits
-- for a swap; a statement of its own, so that the next one sees what that has written.
delete from rebuilds;

-- name: erase_stream
-- Everything the store holds of a stream. Its name stays: nobody can claim it again, and nobody folds it again from a
-- log that still holds its records.
with cells_gone as (
    delete from cells where stream = $1 returning 1
), writers_gone as (
    delete from writers where stream = $1
), voids_gone as (
    delete from voids where stream = $1
), slots_gone as (
    delete from list_slots where stream = $1
), letters_gone as (
    delete from dead_letters where stream = $1
), staged_gone as (
    delete from rebuilt_cells where run in ('', $1) and stream = $1
), nobody_s as (
    insert into streams (stream, owner, generation) values ($1, $2, 1)
    on conflict (stream) do update set owner = excluded.owner, generation = streams.generation + 1
)
select count(*) as cells from cells_gone;

-- name: give_stream
-- Another owner for a playlist.
insert into streams (stream, owner) values ($1, $2) on conflict (stream) do update set owner = excluded.owner;

-- name: erase_writers
-- Whose writers were; and their records that were set aside, in whatever stream. The ids stay taken.
with mine as (
    update writer_ids set account = '', device = '', nonce = '' where account = $1 returning writer
)
delete from dead_letters using mine where dead_letters.writer = mine.writer;
