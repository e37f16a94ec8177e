/**
 * What becomes of a session that a device began without a connection, when it is connected again.
 *
 * If nothing plays elsewhere, it becomes the account's session by itself. If something does, the device stays with its own,
 * and the listener is offered to play here. Source: merge.md section 3.2, "Client policy".
 */
import type { Done } from "./done.js";
import type { Player } from "./player.js";

/** Adopt this device's detached session, unless a live one plays. Call it once the account's stream is in step. */
export function adoptIfFree(player: Player): Done | null {
  const { view, live } = player;
  if (view?.detached !== true) return null;
  return live !== null && live.playing && !live.stale ? null : player.playHere();
}
