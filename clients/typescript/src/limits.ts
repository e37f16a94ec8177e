/**
 * The bounds that a client keeps; the gateway has the same. Source: syncd/limits.py.
 */

/** Bytes of one websocket message; beyond it the socket closes with 1009. */
export const FRAME_BYTES_MAX = 256 * 1024;
/** Bytes of one event's data as canonical JSON; beyond it the event is refused. */
export const EVENT_BYTES_MAX = 64 * 1024;
/** Events in one emit. */
export const EMIT_EVENTS_MAX = 256;
/** Streams of one connection. */
export const SUBSCRIPTIONS_MAX = 1_000;
/** Depth of arrays and objects in a message. Our own go to 6. */
export const NESTING_MAX = 32;
/** Depth of an event's data, itself included: message, list and event stand around it. */
export const EVENT_NESTING_MAX = NESTING_MAX - 3;
/** Items, or ids, in one event. */
export const ITEMS_MAX = 500;
/** How long a control for another device's session stays good, in ms (merge.md section 3.2). */
export const CONTROL_VALID_MS = 10_000;
/** Characters of an id that a client chose, before percent-encoding. */
export const ID_CHARS_MAX = 128;
