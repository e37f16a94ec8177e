-- Which playlists an account owns, and which writers it has: what an export, an erasure and a timeline begin with.

-- migrate:up

create index streams_of_owner on streams (owner);
create index writer_ids_of_account on writer_ids (account);

-- migrate:down

drop index writer_ids_of_account;
drop index streams_of_owner;
