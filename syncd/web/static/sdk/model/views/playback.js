import { Plays, shownHead } from "./plays.js";
import { commandsOf, soundingAt } from "./sounding.js";
export const STALE_AFTER_MS = 10_000;
export function playbackView(cells, nowMs, device = null) {
    const plays = new Plays(cells);
    return playbackAt(cells, plays, shownHead(plays, device), nowMs);
}
export function playbackAt(cells, plays, head, nowMs) {
    const start = head === null ? null : plays.startOf(head);
    if (head === null || start === null || start.device === null)
        return null;
    const commands = commandsOf(cells, head, start.device);
    const { position_ms, playing, buffering } = soundingAt(commands, head.automatic, nowMs);
    const { id, track, from, duration_ms = null } = head.item;
    return {
        device: start.device,
        play: head.id,
        epoch: head.epoch,
        generation: head.generation,
        item: { id, track, from },
        position_ms: Math.min(position_ms, duration_ms ?? position_ms),
        as_of_ms: nowMs,
        playing,
        speed_permille: commands.speed_permille,
        duration_ms,
        context: start.context,
        buffering,
        stale: playing && duration_ms !== null && position_ms > duration_ms + STALE_AFTER_MS,
        detached: start.detached,
    };
}
