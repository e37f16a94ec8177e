-- Tables of migrations/0010_operators.sql.

-- name: create
-- A new operator, or no row when the name is taken.
insert into operators (name, token_hash, made_ms) values ($1, $2, $3)
on conflict (name) do nothing
returning name;

-- name: all
-- Every operator, oldest first.
select name, made_ms, revoked_ms from operators order by made_ms, name;

-- name: revoke
-- The first revocation stands: asking twice must not move its time.
update operators set revoked_ms = coalesce(revoked_ms, $2) where name = $1
returning name, made_ms, revoked_ms;

-- name: login
-- Who holds the token with this hash.
select name, revoked_ms is not null as revoked from operators where token_hash = $1;

-- name: note
-- What an operator did.
insert into operator_acts (at_ms, operator, what, outcome) values ($1, $2, $3, $4);

-- name: acts
-- The newest below a number.
select act, at_ms, operator, what, outcome from operator_acts
where act < coalesce($1, 9223372036854775807) order by act desc limit $2;
