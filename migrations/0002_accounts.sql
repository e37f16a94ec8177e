-- Accounts and their devices. Behind the door of syncd/accounts; no other room reads these tables.

-- migrate:up

create table accounts (
    account text collate "C" primary key,
    name text collate "C" not null unique,
    created_ms bigint not null
);

create table devices (
    device text collate "C" primary key,
    account text collate "C" not null references accounts (account) on delete cascade,
    name text not null,
    -- SHA-256 of the token. The token has 256 random bits, so nothing slower is needed to keep it from being guessed.
    token_hash bytea not null unique,
    linked_ms bigint not null,
    -- Null while the device stands. Never set back: a new login is a new device.
    revoked_ms bigint
);

create index devices_of_account on devices (account, linked_ms, device);

-- migrate:down

drop table devices;
drop table accounts;
