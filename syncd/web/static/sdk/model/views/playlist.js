import { fromKeyPart } from "../ids.js";
import { sortedByKey, under } from "./under.js";
export function playlistView(cells) {
    const text = (field) => (cells.get(`playlist/${field}`)?.value ?? null);
    const members = under(cells, "member/").filter(([, cell]) => cell.value !== null);
    return {
        name: text("name"),
        description: text("description"),
        image: text("image"),
        public: flag(cells, "public"),
        collaborative: flag(cells, "collaborative"),
        deleted: flag(cells, "deleted"),
        members: sortedByKey(members.map(([part, cell]) => [fromKeyPart(part), cell.value])),
    };
}
export function flag(cells, field) {
    return cells.get(`playlist/${field}`)?.value === true;
}
