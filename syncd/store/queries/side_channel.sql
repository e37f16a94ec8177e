-- The side channel.

-- name: publish
-- Tell every listener of a channel, ourselves included.
select pg_notify($1, $2);
