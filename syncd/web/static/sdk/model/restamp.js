import { dataOf } from "./events.js";
import { ms, pack, stamp } from "./stamp.js";
export function restamp(pending, now, writer) {
    let lastT = pending.reduce((last, event) => (event.sent ? Math.max(last, event.t) : last), now.sent_t);
    const renamed = new Map();
    return pending.map((event) => {
        if (event.sent)
            return event;
        lastT = Math.max(pack(trueMs(event, now)), lastT + 1, event.seen_t + 1);
        renamed.set(stamp(event.t, writer), stamp(lastT, writer));
        const data = shifted({ ...event, data: rewritten(event, renamed) }, ms(lastT) - ms(event.t));
        return { ...event, t: lastT, data };
    });
}
function trueMs(event, now) {
    const made = event.boot === now.boot
        ? now.server_now_ms - (now.monotonic_ms - event.monotonic_ms)
        : event.wall_ms + now.offset_ms;
    return Math.max(0, Math.min(made, now.server_now_ms));
}
function rewritten(event, renamed) {
    const now = (rank) => renamed.get(rank) ?? rank;
    const reported = dataOf(event, "playback.reported");
    if (reported !== undefined)
        return { ...reported, answers: reported.answers.map(now) };
    const listened = dataOf(event, "progress.listened");
    return listened === undefined ? event.data : { ...listened, through: now(listened.through) };
}
function shifted(event, byMs) {
    const moved = (atMs) => Math.min(Math.max(atMs + byMs, 0), Number.MAX_SAFE_INTEGER);
    const cleared = dataOf(event, "history.cleared");
    if (cleared !== undefined)
        return { ...cleared, before_ms: moved(cleared.before_ms) };
    const mode = dataOf(event, "playback.mode_changed");
    if (mode !== undefined && typeof mode.sleep_at_ms === "number") {
        return { ...mode, sleep_at_ms: moved(mode.sleep_at_ms) };
    }
    return event.data;
}
