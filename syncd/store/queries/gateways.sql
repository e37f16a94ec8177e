-- Which gateways are here.

-- name: announce
-- Say that a gateway is here, and sweep those that have been silent for long. What another is just sweeping is skipped,
-- so that two of them never wait for each other.
with silent as (
    delete from gateways where gateway in (
        select gateway from gateways where seen_at < now() - interval '1 minute' and gateway <> $1
        for update skip locked
    )
)
insert into gateways (gateway, ws_url, ws_port, draining, seen_at) values ($1, $2, $3, $4, now())
on conflict (gateway) do update
set ws_url = excluded.ws_url, ws_port = excluded.ws_port, draining = excluded.draining, seen_at = excluded.seen_at;

-- name: gateways
-- Those that said so within so many seconds, and do not drain.
select gateway, ws_url, ws_port from gateways
where seen_at > now() - make_interval(secs => $1) and not draining order by gateway;
