import { EVENT_SHAPE_OF } from "../schemas/events.js";
export function isKind(kind) {
    return Object.hasOwn(EVENT_SHAPE_OF, kind);
}
export function dataOf(event, kind) {
    return event.kind === kind ? event.data : undefined;
}
