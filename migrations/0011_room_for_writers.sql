-- Each folded event raises its writer's row, and a list's count by its items. A page with room takes the new version
-- beside the old one: neither index nor another page is touched (HOT). Cells cannot have that: their offset is indexed.
-- Pages that are full already gain the room as their rows are moved.

-- migrate:up

alter table writers set (fillfactor = 70);
alter table list_slots set (fillfactor = 70);

-- migrate:down

alter table list_slots reset (fillfactor);
alter table writers reset (fillfactor);
