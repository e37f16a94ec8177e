import { isKind } from "../events.js";
import { eventId } from "../ids.js";
import { stamp } from "../stamp.js";
import { DESCRIBED } from "./described.js";
import { LISTENER } from "./listener.js";
import { LISTS } from "./lists.js";
import { PLAYBACK } from "./playback.js";
const LOWERINGS = { ...LISTS, ...PLAYBACK, ...LISTENER, ...DESCRIBED };
export function lower(event) {
    if (!isKind(event.kind))
        return new Map();
    const { writer, seq, t, data } = event;
    const lowering = LOWERINGS[event.kind];
    return lowering(data, { t, writer, id: eventId(writer, seq), rank: stamp(t, writer) });
}
