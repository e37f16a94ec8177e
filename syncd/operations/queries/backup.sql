-- What a backup asks the database about itself. Tables and columns are not named here: a backup takes whatever the
-- migrations make, so that no table of a later one can be forgotten.

-- name: tables
-- Those of the tables $1 that are there, with their columns in order, without computed ones, their sizes on disk, and
-- whether they are logged.
select relation.relname as name, array_agg(attribute.attname order by attribute.attnum) as columns,
       pg_table_size(relation.oid) as bytes, relation.relpersistence = 'p' as is_logged
from pg_class as relation
join pg_attribute as attribute on attribute.attrelid = relation.oid
where relation.relnamespace = current_schema()::regnamespace and relation.relkind = 'r'
  and relation.relname = any($1::text[])
  and attribute.attnum > 0 and not attribute.attisdropped and attribute.attgenerated = ''
group by relation.oid, relation.relname, relation.relpersistence order by relation.relname;

-- name: references
-- Which table must be filled after which.
select distinct child.relname as child, parent.relname as parent
from pg_constraint
join pg_class as child on child.oid = conrelid
join pg_class as parent on parent.oid = confrelid
where contype = 'f' and conrelid <> confrelid
  and child.relnamespace = current_schema()::regnamespace;

-- name: sequences
-- Those that number the rows of the tables $1: what they last gave, null where they gave nothing yet.
select sequencename as name, last_value from pg_sequences
where schemaname = current_schema() and exists (
    select from pg_depend
    join pg_class as numbered on numbered.oid = refobjid
    where objid = quote_ident(sequencename)::regclass and classid = 'pg_class'::regclass
      and numbered.relnamespace = current_schema()::regnamespace and numbered.relname = any($1::text[])
) order by sequencename;

-- name: migrations
-- Which migrations made the tables.
select version from schema_migrations order by version;

-- name: postgres_version
-- As a number: 150004 is 15.4.
select current_setting('server_version_num')::int;

-- name: log_home
-- Where the log is. By way of JSON, because tables of an older program have no such column.
select coalesce(to_jsonb(deployment) ->> 'log', 'postgres') from deployment;

-- name: is_lived_in
-- Whether anybody has an account here, or anything happened.
select exists (select from accounts) or exists (select from events) or exists (select from cells);

-- name: set_sequence
-- Let a sequence go on where it was.
select setval(quote_ident($1)::regclass, $2);

-- name: new_life
-- Begin a new life of the log: what devices saw may be gone. `syncd.store.migrate.new_epoch` does the same, but for the
-- topic: a restored store belongs to the one that it was taken with.
with renewed as (
    update deployment set life = gen_random_uuid() returning life
)
update log_partitions set life = renewed.life from renewed;

-- name: end_leases
-- Whoever held one when the backup was taken holds it no more.
update leases set expires_at = '-infinity';

-- name: carry_checkpoint
-- A checkpoint of one life is one of the next, where the log's offsets are what they were.
update checkpoints set epoch = $3 where partition = $1 and epoch = $2 and offset_next between $4 and $5;

-- name: carry_slots
-- And so are the counts of list slots.
update list_slots set epoch = $2 where epoch = $1;
