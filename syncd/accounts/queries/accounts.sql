-- Tables of migrations/0002_accounts.sql.

-- name: create
-- A new account, or no row when the name is taken. An id drawn twice violates the key; asking again draws another.
insert into accounts (account, name, created_ms) values ($1, $2, $3)
on conflict (name) do nothing
returning account, name, created_ms;

-- name: find
-- By id, else by name: an id wins over a name that looks like one.
select account, name, created_ms from accounts
where account = $1 or name = $2
order by account = $1 desc
limit 1;

-- name: all
-- Every account, oldest first.
select account, name, created_ms from accounts order by created_ms, account;

-- name: search
-- Accounts whose name or id holds a text, by name. Bytes are compared, so lower() knows the letters of ASCII.
select account, name, created_ms from accounts
where name > $2 and (
    position(lower($1::text collate "C") in lower(name)) > 0 or position(lower($1::text collate "C") in account) > 0
)
order by name limit $3;

-- name: exists
-- One row when there is such an account.
select account from accounts where account = $1;

-- name: link
-- A new device, or no row when there is no such account.
insert into devices (device, account, name, token_hash, linked_ms)
select $2, account, $3, $4, $5 from accounts where account = $1
returning device;

-- name: devices
-- An account's devices, oldest first.
select device, account, name, linked_ms, revoked_ms from devices where account = $1 order by linked_ms, device;

-- name: revoke
-- The first revocation stands: asking twice must not move its time.
update devices set revoked_ms = coalesce(revoked_ms, $2) where device = $1
returning device, account, name, linked_ms, revoked_ms;

-- name: logins
-- Who holds the tokens with these hashes.
select token_hash, device, account, revoked_ms is not null as revoked from devices where token_hash = any($1::bytea[]);

-- name: standing_of
-- Those of the devices that may log in.
select device from devices where device = any($1::text[]) and revoked_ms is null;

-- name: adopt
-- An account made elsewhere, unless its id or its name is there.
insert into accounts (account, name, created_ms) values ($1, $2, $3) on conflict do nothing;

-- name: adopt_devices
-- Its devices, unless their ids are there.
insert into devices (account, device, name, linked_ms, revoked_ms, token_hash)
select $1, found.* from unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bytea[]) as found
on conflict (device) do nothing;

-- name: foreign
-- Those of the devices that belong to another account.
select device from devices where device = any($2::text[]) and account <> $1 order by device;

-- name: erase
-- An account goes; its devices and their tokens go with it.
delete from accounts where account = $1 returning account;
