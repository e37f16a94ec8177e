/** How playback goes on: shuffle, repeat, the sleep timer. Source: merge.md section 3.2. */
import type { CellsByKey } from "../cells.js";

export type Repeat = "off" | "one" | "all";

export type ModesView = {
  /** `seed`: of `shuffle.ts`. */
  readonly shuffle: { readonly on: boolean; readonly seed: number };
  readonly repeat: Repeat;
  /** Server time at which playback stops by itself; null when no timer is set. */
  readonly sleep_at_ms: number | null;
};

/** The account's modes; what was never chosen is off. */
export function modesView(cells: CellsByKey): ModesView {
  return {
    shuffle: (cells.get("mode/shuffle")?.value ?? { on: false, seed: 0 }) as ModesView["shuffle"],
    repeat: (cells.get("mode/repeat")?.value ?? "off") as Repeat,
    sleep_at_ms: (cells.get("mode/sleep_at_ms")?.value ?? null) as number | null,
  };
}
