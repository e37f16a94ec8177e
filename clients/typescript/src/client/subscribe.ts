/** How a view of one thing learns that it has to be drawn again. */
import { Callbacks } from "./callbacks.js";
import type { Change } from "./change.js";
import type { LocalState } from "./local_state.js";

/**
 * Call `callback` in a moment after changes that concern it, once for all that happen in one turn. Returns what ends that.
 */
export function subscribe(state: LocalState, concerns: (change: Change) => boolean, callback: () => void): () => void {
  const callbacks = new Callbacks<void>();
  let isDue = false;
  callbacks.add(() => {
    if (!isDue) return; // ended meanwhile
    isDue = false;
    callback();
  });
  const unwatch = state.replicas.watch((change) => {
    if (isDue || !concerns(change)) return;
    isDue = true;
    callbacks.tell();
  });
  return () => {
    isDue = false;
    unwatch();
  };
}

/** Changes of some families of cells of one stream. */
export function ofFamilies(stream: string, ...families: readonly string[]): (change: Change) => boolean {
  return (change) => change.stream === stream && families.some((each) => change.areas.has(each));
}
