// Made by tools/generate.mjs from schemas/ of the repository. Do not edit.

/**
 * What the client does after a close.
 *
 * - `resume`: come back, with jitter, and present the cursor
 * - `snapshot`: come back without the cursor
 * - `renew_writer`: come back without the cursor and without the writer; pending events are renumbered
 * - `renew_login`: do not come back with this token
 * - `stay_away`: report it; coming back would end the same way
 */
export type Then = "resume" | "snapshot" | "renew_writer" | "renew_login" | "stay_away";

/** the peer goes away */
export const GOING_AWAY = 1001;
/** the connection broke */
export const ABNORMAL = 1006;
/** a message over 256 KiB */
export const MESSAGE_TOO_BIG = 1009;
/** an endpoint failed */
export const INTERNAL_ERROR = 1011;
/** the server restarts */
export const SERVICE_RESTART = 1012;
/** this gateway is going down for maintenance */
export const DRAINING = 4000;
/** the log or the store does not answer */
export const UNAVAILABLE = 4001;
/** this connection does not read what it is sent */
export const TOO_SLOW = 4002;
/** no hello within 5 s */
export const NO_HELLO = 4003;
/** another connection of this local store took over */
export const REPLACED = 4004;
/** the gateway met something it believed impossible */
export const BUG = 4099;
/** the log does not hold that position any more */
export const POSITION_LOST = 4100;
/** this local store knows less than its writer has sent */
export const WRITER_OUTDATED = 4101;
/** unknown or expired token */
export const LOGIN_EXPIRED = 4200;
/** this device was revoked */
export const LOGIN_REVOKED = 4201;
/** that is not a message of this protocol */
export const UNREADABLE = 4500;
/** hello is missing, or came twice */
export const UNEXPECTED_HELLO = 4501;
/** text frame on MessagePack, or binary frame on JSON */
export const WRONG_FORMAT = 4502;

/** Code of a close -> what to do. */
export const THEN_OF: Readonly<Record<number, Then>> = {
  "1001": "resume",
  "1006": "resume",
  "1009": "stay_away",
  "1011": "resume",
  "1012": "resume",
  "4000": "resume",
  "4001": "resume",
  "4002": "resume",
  "4003": "resume",
  "4004": "resume",
  "4099": "resume",
  "4100": "snapshot",
  "4101": "renew_writer",
  "4200": "renew_login",
  "4201": "renew_login",
  "4500": "stay_away",
  "4501": "stay_away",
  "4502": "stay_away",
};

/** The first two digits of a code that is not there -> what to do. */
export const THEN_OF_FAMILY: Readonly<Record<number, Then>> = {"40":"resume","41":"snapshot","42":"renew_login","45":"stay_away"};

/** After any other code. */
export const OTHERWISE: Then = "resume";
