-- Which playlists an account owns: what an export, an erasure and a timeline begin with.

-- migrate:up

create index streams_of_owner on streams (owner);

-- migrate:down

drop index streams_of_owner;
