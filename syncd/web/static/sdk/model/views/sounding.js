import { keyPart } from "../ids.js";
import { ms, NO_STAMP, STAMP_LENGTH, stampT } from "../stamp.js";
export const NORMAL_SPEED_PERMILLE = 1_000;
const NONE = { rank: "", value: null };
export function commandsOf(cells, play, device) {
    return {
        at: cells.get(`play_at/${play.id}`) ?? NONE,
        on: cells.get(`play_on/${play.epoch}`) ?? NONE,
        off: cells.get(`play_off/${play.epoch}`) ?? NONE,
        report: cells.get(`play_report/${play.id}`) ?? null,
        speed_permille: (cells.get(`play_speed/${play.epoch}`)?.value ?? NORMAL_SPEED_PERMILLE),
        sleep_at_ms: (cells.get("mode/sleep_at_ms")?.value ?? null),
        revoked: cells.has(`device/${keyPart(device)}/revoked`),
    };
}
export function answersTo({ at, on, off }) {
    return [at.rank || NO_STAMP, (on.rank > off.rank ? on.rank : off.rank) || NO_STAMP];
}
export function soundingAt(commands, isAutomatic, nowMs) {
    const { at, sleep_at_ms, speed_permille } = commands;
    const [atMs, onMs] = [msOf(at.rank), msOf(commands.on.rank)];
    let offMs = msOf(commands.off.rank);
    const [putMs, playingThere] = (at.value ?? [0, false]);
    const isAsleep = sleep_at_ms !== null && sleep_at_ms <= nowMs && onMs <= sleep_at_ms;
    if (isAsleep) {
        nowMs = Math.min(nowMs, sleep_at_ms);
        offMs = Math.min(offMs, sleep_at_ms);
    }
    const isOn = commands.on.rank > commands.off.rank && !commands.revoked;
    const moved = (elapsedMs) => Math.floor(elapsedMs / 1_000) * speed_permille + Math.floor(((elapsedMs % 1_000) * speed_permille) / 1_000);
    const report = countingReport(commands);
    if (report !== null) {
        const [reportedMs, buffering] = report.value;
        const movingMs = isOn && !buffering ? Math.max(0, nowMs - msOf(report.rank.slice(2 * STAMP_LENGTH))) : 0;
        const playing = isOn && !isAsleep;
        return { position_ms: reportedMs + moved(movingMs), playing, buffering: playing && buffering };
    }
    let elapsedMs = 0;
    if (commands.off.rank > at.rank) {
        if (playingThere)
            elapsedMs += Math.max(0, offMs - atMs);
        if (isOn)
            elapsedMs += Math.max(0, nowMs - onMs);
    }
    else if (isOn) {
        const fromMs = playingThere && !isAutomatic ? atMs : Math.max(atMs, onMs);
        elapsedMs = Math.max(0, nowMs - fromMs);
    }
    return { position_ms: putMs + moved(elapsedMs), playing: isOn && !isAsleep, buffering: false };
}
function countingReport(commands) {
    const { report } = commands;
    return report !== null && report.rank.startsWith(answersTo(commands).join("")) ? report : null;
}
function msOf(rank) {
    return rank === "" ? 0 : ms(stampT(rank));
}
