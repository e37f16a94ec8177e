/** What a client does after a close, also for a code of a known family that is newer than the table. */
import { OTHERWISE, THEN_OF, THEN_OF_FAMILY, type Then } from "../schemas/close_codes.js";

/**
 * The client's duty after a close. Not called `then`: a module with an export of that name can never be imported by
 * `await import()`, which would call it. Source: schemas/close_codes.json.
 */
export function dutyAfter(code: number): Then {
  return THEN_OF[code] ?? THEN_OF_FAMILY[Math.floor(code / 100)] ?? OTHERWISE;
}
