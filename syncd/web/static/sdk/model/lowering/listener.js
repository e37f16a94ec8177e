import { keyPart } from "../ids.js";
import { ms } from "../stamp.js";
import { epochMaxRank, FLAG, maxRank, registers } from "./writes.js";
export const LISTENER = {
    "library.changed": ({ set, ids, value }, { rank }) => registers(rank, ids.map((id) => [`library/${keyPart(set)}/${keyPart(id)}`, value])),
    "settings.changed": (data, { rank }) => registers(rank, Object.entries(data).map(([key, value]) => [`settings/${keyPart(key)}`, value])),
    "progress.listened": ({ episode, position_ms, duration_ms = null, finished = false, through }, { rank }) => {
        const prefix = `progress/${keyPart(episode)}`;
        const cells = new Map([[`${prefix}/latest`, { rank, value: { position_ms, duration_ms, finished } }]]);
        if (through < rank) {
            cells.set(`${prefix}/furthest`, { rank: epochMaxRank(through, position_ms), value: position_ms });
        }
        return cells;
    },
    "progress.marked": ({ episode, played }, { rank }) => {
        const prefix = `progress/${keyPart(episode)}`;
        const latest = { position_ms: 0, duration_ms: null, finished: played };
        const cells = new Map([[`${prefix}/latest`, { rank, value: latest }]]);
        if (!played)
            cells.set(`${prefix}/furthest`, { rank: epochMaxRank(rank, 0), value: 0 });
        return cells;
    },
    "history.played": (data, { rank, t }) => {
        const { track, context = null, skipped = false, reason = null, listened_ms } = data;
        const prefix = `history/${keyPart(data.play)}`;
        const what = { track, context, started_ms: Math.min(data.started_ms, ms(t)), skipped, reason };
        return new Map([
            [`${prefix}/what`, { rank, value: what }],
            [`${prefix}/listened_ms`, { rank: maxRank(listened_ms), value: listened_ms }],
        ]);
    },
    "history.removed": ({ play }) => new Map([[`history/${keyPart(play)}/removed`, FLAG]]),
    "history.cleared": (data, { t }) => {
        const before_ms = Math.min(data.before_ms, ms(t));
        return new Map([["history_cleared", { rank: maxRank(before_ms), value: before_ms }]]);
    },
};
