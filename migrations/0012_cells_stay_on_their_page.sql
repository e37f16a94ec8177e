-- Some cells are written again every few seconds: a position, what is playing. As long as no indexed column changes, the
-- new version of a row stays on its page (HOT). Resume asks for what changed since an offset, and the offset changes with
-- every write, so the index has the offset in spans of 16,384 instead: with 1,000 such cells in a partition, one write in
-- sixteen touches it. Whoever asks reads a span too much at most, of one stream.
-- Adding the column writes the table anew, and whoever asks for cells waits meanwhile.

-- migrate:up

alter table cells add column log_span bigint generated always as (log_offset >> 14) stored;
alter table cells set (fillfactor = 90);
drop index cells_by_offset;
create index cells_by_span on cells (stream, log_span);

-- One event is found by its stream and where its writer was last: an index for that cost Postgres a quarter of an append of 100.
-- What was overwritten because its account was erased is counted while the log is closed to move.
drop index events_of_writer;
create index events_erased on events (partition) where writer = 'erased0000';

-- migrate:down

drop index events_erased;
create index events_of_writer on events (writer, seq);
drop index cells_by_span;
create index cells_by_offset on cells (stream, log_offset);
alter table cells reset (fillfactor);
alter table cells drop column log_span;
