import { fold } from "../cells.js";
import { itemId } from "../ids.js";
import { digits } from "../stamp.js";
import { registers } from "./writes.js";
export const LISTS = {
    "list.inserted": ({ list, parent = null, side, items }, { t, writer, id, rank }) => registers(rank, [[`${list}/run/${id}`, { parent, side, t, writer, items }]]),
    "list.moved": ({ list, ids, parent = null, side }, { t, writer, id, rank }) => {
        const value = { parent, side, t, writer, count: ids.length };
        const cells = new Map([[`${list}/run/${id}`, { rank, value }]]);
        fold(cells, ids.map((item, k) => [`${list}/at/${item}`, { rank, value: itemId(id, k) }]));
        return cells;
    },
    "list.moved_back": ({ list, item, slot }, { rank }) => registers(rank, [[`${list}/at/${item}`, slot]]),
    "list.removed": ({ list, ids }, { rank }) => registers(rank, ids.map((item) => [`${list}/on/${item}`, false])),
    "list.restored": ({ list, ids }, { rank }) => registers(rank, ids.map((item) => [`${list}/on/${item}`, true])),
    "list.cleared": ({ list, seen }, { t, rank }) => new Map(Object.entries(seen).map(([writer, seq]) => [`${list}/cleared/${writer}`, { rank: digits(seq) + rank, value: t }])),
};
