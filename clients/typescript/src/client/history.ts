/** What a listener has heard. In a private session, report nothing. Source: merge.md section 3.3. */
import type { Json } from "../model/canonical.js";
import { historyView, type HistoryEntry } from "../model/views/history.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import { Done } from "./done.js";
import { draft, type Draft } from "./draft.js";
import { KeptView } from "./kept_view.js";
import type { LocalState } from "./local_state.js";

/** `startedMs`: server time, only shown. `reason`: why it ended, in the app's own words. */
export type Heard = {
  readonly startedMs: number;
  readonly listenedMs: number;
  readonly context?: Json;
  readonly skipped?: boolean;
  readonly reason?: string | null;
};

/** See the first line. */
export class History {
  readonly #state: LocalState;
  readonly #entries: KeptView<readonly HistoryEntry[]>;

  constructor(state: LocalState) {
    this.#state = state;
    this.#entries = new KeptView(state, OWN_STREAM, ["history", "history_cleared"], historyView);
  }

  /** The plays, the latest report first. */
  get entries(): readonly HistoryEntry[] {
    return this.#entries.get();
  }

  /** Call `callback` after changes, in a moment and once for all of them. Returns what ends that. */
  subscribe(callback: () => void): () => void {
    return this.#entries.subscribe(callback);
  }

  /** Report a play, by the id of its play event or one of your own; later reports of the same play may grow it. */
  played(play: string, track: string, heard: Heard): Done {
    const { startedMs, listenedMs, context = null, skipped = false, reason = null } = heard;
    return this.#make(
      draft("history.played", {
        play: this.#now(play),
        track,
        started_ms: startedMs,
        listened_ms: listenedMs,
        context,
        skipped,
        reason,
      }),
    );
  }

  /** Take one play out, for good. */
  remove(play: string): Done {
    return this.#make(draft("history.removed", { play: this.#now(play) }));
  }

  /** Take out everything up to now, also what another device heard before now and has not reported yet. */
  clear(): Done {
    return this.#make(draft("history.cleared", { before_ms: this.#state.time.nowMs() }));
  }

  #make(given: Draft): Done {
    return new Done(this.#state, [this.#state.make(given)]);
  }

  #now(play: string): string {
    return this.#state.outbox.nowCalled(OWN_STREAM, play);
  }
}
