-- Gateways that are here, so that devices can be sent to the one that follows their partition (docs/decisions/0011).
-- A hint, refreshed every second and worth nothing a moment later: so it is unlogged, and a crash of Postgres empties it.
-- Goes before new code; old code does not know it.

-- migrate:up

create unlogged table gateways (
    gateway  text collate "C" primary key,
    -- As devices reach it; null where that is not known, as without a proxy: then on the host that they asked, at ws_port.
    ws_url   text,
    ws_port  int         not null,
    draining boolean     not null,
    -- By this database's clock. A row that is not renewed dies by time.
    seen_at  timestamptz not null
) with (fillfactor = 50);

-- migrate:down

drop table gateways;
