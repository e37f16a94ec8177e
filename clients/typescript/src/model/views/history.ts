/** What a listener has heard. Source: merge.md section 3.3. */
import { compareText } from "../canonical.js";
import type { Cell, ReadonlyCells } from "../cells.js";
import { cutAtSlash, fromKeyPart } from "../ids.js";
import { ms, stampT } from "../stamp.js";
import { under } from "./under.js";

/** One play. `started_ms` is shown only: what orders and hides entries is when they were reported. */
export type HistoryEntry = {
  readonly play: string;
  readonly track: string;
  readonly started_ms: number;
  readonly listened_ms: number;
};

/**
 * The plays of an account, the latest report first.
 *
 * Hidden are plays that were removed, and those reported at or before the moment up to which history was cleared, also
 * when they arrive after the clear did.
 */
export function historyView(cells: ReadonlyCells): HistoryEntry[] {
  const whats: (readonly [string, Cell])[] = [];
  const listened = new Map<string, number>();
  const removed = new Set<string>();
  for (const [key, cell] of under(cells, "history/")) {
    const [part, field] = cutAtSlash(key);
    if (field === "what") whats.push([part, cell]);
    else if (field === "listened_ms") listened.set(part, cell.value as number);
    else if (field === "removed") removed.add(part);
  }
  const clearedMs = (cells.get("history_cleared")?.value ?? -1) as number;
  return whats
    .filter(([part, { rank }]) => !removed.has(part) && ms(stampT(rank)) > clearedMs)
    .sort(([a, x], [b, y]) => compareText(y.rank, x.rank) || compareText(b, a))
    .map(([part, { value }]) => {
      const { track, started_ms } = value as { readonly track: string; readonly started_ms: number };
      return { play: fromKeyPart(part), track, started_ms, listened_ms: listened.get(part) ?? 0 };
    });
}
