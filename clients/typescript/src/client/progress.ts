/**
 * How far a listener got in each episode.
 *
 * Report it on pause, seek, end, when the app goes to the background, and every 60 s of playing; never on open: that is how
 * other systems lose positions. Source: merge.md section 3.3.
 */
import type { Cells } from "../model/cells.js";
import { keyPart } from "../model/ids.js";
import { progressView, through, type ProgressView } from "../model/views/progress.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import { Done } from "./done.js";
import { draft } from "./draft.js";
import { KeptView } from "./kept_view.js";
import type { LocalState } from "./local_state.js";

/** `finished`: to the end, as the player understands it. */
export type Listened = { readonly durationMs?: number | null; readonly finished?: boolean };

export class Progress {
  readonly #state: LocalState;
  readonly #all: KeptView<ReadonlyMap<string, ProgressView>>;

  constructor(state: LocalState) {
    this.#state = state;
    this.#all = new KeptView(state, OWN_STREAM, ["progress"], progressView);
  }

  /** Every episode that was ever begun. */
  get all(): ReadonlyMap<string, ProgressView> {
    return this.#all.get();
  }

  /** Call `callback` after changes, in a moment and once for all of them. Returns what ends that. */
  subscribe(callback: () => void): () => void {
    return this.#all.subscribe(callback);
  }

  /** One episode; null when it was never begun. */
  of(episode: string): ProgressView | null {
    return progressView(this.#cells(episode)).get(episode) ?? null;
  }

  /** The listener got here. */
  listened(episode: string, positionMs: number, { durationMs = null, finished = false }: Listened = {}): Done {
    const event = this.#state.act(() =>
      draft("progress.listened", {
        episode,
        position_ms: positionMs,
        through: through(this.#cells(episode), episode),
        duration_ms: durationMs,
        finished,
      }),
    );
    return new Done(this.#state, [event]);
  }

  /** Mark an episode as played, or as never heard. To start a finished one over, mark it unplayed first. */
  markPlayed(episode: string, { played = true }: { readonly played?: boolean } = {}): Done {
    return new Done(this.#state, [this.#state.make(draft("progress.marked", { episode, played }))]);
  }

  #cells(episode: string): Cells {
    const { shown } = this.#state.replicas.own;
    const keys = ["latest", "furthest"].map((field) => `progress/${keyPart(episode)}/${field}`);
    return new Map(keys.flatMap((key) => (shown.has(key) ? [[key, shown.get(key)!] as const] : [])));
  }
}
