-- What the gateway asks about writers and owners.

-- name: writers
-- Each known writer, with what was folded of it on every stream, and its used-up seqs. One statement, one snapshot: a
-- void is never missing from a seq that counts it.
select id.writer, id.account, id.device, id.nonce, folded.*, used_up.*
from writer_ids as id
cross join lateral (
    select array_agg(stream) as streams, array_agg(seq) as seqs, array_agg(t) as ts,
           array_agg(log_offset) as log_offsets
    from writers where writer = id.writer
) as folded
cross join lateral (
    select array_agg(stream) as void_streams, array_agg(seq) as void_seqs from voids where writer = id.writer
) as used_up
where id.writer = any($1::text[]);

-- name: writers_of
-- The writers of an account's devices.
select writer, account, device, nonce from writer_ids where account = $1 order by writer;

-- name: register_writers
-- Remember fresh writers. No row of those whose id is taken. In order, so that two who ask for the same never wait for
-- each other.
insert into writer_ids (writer, account, device, nonce)
select writer, account, device, nonce
from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as asked (writer, account, device, nonce)
order by writer
on conflict (writer) do nothing returning writer;

-- name: claim_stream
-- Give a stream its owner unless it has one, and tell who that is. The update, also where it changes nothing, waits for a
-- claim under way and sees its result.
insert into streams (stream, owner) values ($1, $2)
on conflict (stream) do update set owner = coalesce(streams.owner, excluded.owner)
returning owner, generation;

-- name: streams_owned
-- The playlists of an account.
select stream from streams where owner = $1 order by stream;
