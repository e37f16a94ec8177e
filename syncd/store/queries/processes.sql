-- What processes tell of themselves.

-- name: report
-- Say how this process does, and sweep those that have been silent for long; as `announce`.
with silent as (
    delete from processes where process in (
        select process from processes where seen_at < now() - interval '1 minute' and process <> $1
        for update skip locked
    )
)
insert into processes (process, roles, figures, seen_at) values ($1, $2, $3, now())
on conflict (process) do update
set roles = excluded.roles, figures = excluded.figures, seen_at = excluded.seen_at;

-- name: processes
-- Those that said something within so many seconds, with how long ago that is.
select process, roles, figures, extract(epoch from now() - seen_at)::float8 as age_s from processes
where seen_at > now() - make_interval(secs => $1) order by process;
