-- Operators of the console, what they did, and what processes tell of themselves (docs/decisions/0024).
-- Goes before new code; old code does not know it.

-- migrate:up

-- Who may use the console. No device of any account is here, and no operator is among the devices.
create table operators (
    name text collate "C" primary key,
    -- SHA-256 of the token, which has 256 random bits.
    token_hash bytea not null unique,
    made_ms bigint not null,
    -- Null while the operator stands.
    revoked_ms bigint
);

-- What operators did with the console, for as long as the deployment lives. Names no account, only its id.
create table operator_acts (
    act bigint generated always as identity primary key,
    at_ms bigint not null,
    operator text collate "C" not null,
    what text not null,
    outcome text not null
);

-- A hint, refreshed every second and worth nothing a moment later: so it is unlogged, like `gateways`.
create unlogged table processes (
    process text collate "C" primary key,
    roles text not null,
    -- JSON; only those who wrote it know its form.
    figures bytea not null,
    -- By this database's clock.
    seen_at timestamptz not null
) with (fillfactor = 50);

-- migrate:down

drop table processes, operator_acts, operators;
