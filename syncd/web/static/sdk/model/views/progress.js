import { cutAtSlash, fromKeyPart, keyPart } from "../ids.js";
import { NO_STAMP, STAMP_LENGTH } from "../stamp.js";
import { sortedByKey, under } from "./under.js";
export function progressView(cells) {
    const latest = new Map();
    const furthest = new Map();
    for (const [key, cell] of under(cells, "progress/")) {
        const [part, field] = cutAtSlash(key);
        if (field === "latest")
            latest.set(fromKeyPart(part), cell.value);
        else if (field === "furthest")
            furthest.set(fromKeyPart(part), cell.value);
    }
    const views = [...new Set([...latest.keys(), ...furthest.keys()])].map((episode) => {
        const { position_ms: resume_ms, finished: played } = latest.get(episode) ?? { position_ms: 0, finished: false };
        return [episode, { resume_ms, played, furthest_ms: Math.max(furthest.get(episode) ?? 0, resume_ms) }];
    });
    return sortedByKey(views);
}
export function through(cells, episode) {
    return cells.get(`progress/${keyPart(episode)}/furthest`)?.rank.slice(0, STAMP_LENGTH) ?? NO_STAMP;
}
