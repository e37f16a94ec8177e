-- Where a writer's newest record lies: a log without an index is searched from there for the answer of an old event.

-- migrate:up

-- A hint: of another life of the log it leads nowhere, and whoever searches looks at what he finds.
alter table writers add column log_offset bigint not null default -1;

-- migrate:down

alter table writers drop column log_offset;
