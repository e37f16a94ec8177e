import { compareText } from "../canonical.js";
import { cutAtSlash, fromKeyPart } from "../ids.js";
import { ms, stampT } from "../stamp.js";
import { under } from "./under.js";
export function historyView(cells) {
    const whats = [];
    const listened = new Map();
    const removed = new Set();
    for (const [key, cell] of under(cells, "history/")) {
        const [part, field] = cutAtSlash(key);
        if (field === "what")
            whats.push([part, cell]);
        else if (field === "listened_ms")
            listened.set(part, cell.value);
        else if (field === "removed")
            removed.add(part);
    }
    const clearedMs = (cells.get("history_cleared")?.value ?? -1);
    return whats
        .filter(([part, { rank }]) => !removed.has(part) && ms(stampT(rank)) > clearedMs)
        .sort(([a, x], [b, y]) => compareText(y.rank, x.rank) || compareText(b, a))
        .map(([part, { value }]) => {
        const { track, started_ms } = value;
        return { play: fromKeyPart(part), track, started_ms, listened_ms: listened.get(part) ?? 0 };
    });
}
