/** What a listener has chosen: one value a key, on all devices. */
import type { Json } from "../model/canonical.js";
import { keyPart } from "../model/ids.js";
import { settingsView } from "../model/views/settings.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import { Done } from "./done.js";
import { draft } from "./draft.js";
import { KeptView } from "./kept_view.js";
import type { LocalState } from "./local_state.js";

/** See the first line. A setting of one device alone has the key `<device>/<key>`. */
export class Settings {
  readonly #state: LocalState;
  readonly #all: KeptView<ReadonlyMap<string, Json>>;

  constructor(state: LocalState) {
    this.#state = state;
    this.#all = new KeptView(state, OWN_STREAM, ["settings"], settingsView);
  }

  /** Every setting by key. */
  get all(): ReadonlyMap<string, Json> {
    return this.#all.get();
  }

  /** Call `callback` after changes, in a moment and once for all of them. Returns what ends that. */
  subscribe(callback: () => void): () => void {
    return this.#all.subscribe(callback);
  }

  /** One setting; `fallback` where it was never set, or is null. */
  get(key: string, fallback: Json = null): Json {
    return this.#state.replicas.own.shown.get(keyOf(key))?.value ?? fallback;
  }

  /** Choose one thing. Use a key per thing chosen: two devices that change two keys both keep theirs. */
  set(key: string, value: Json): Done {
    return this.update({ [key]: value });
  }

  /** Choose several things at once. */
  update(settings: { readonly [key: string]: Json }): Done {
    const before = Object.keys(settings).map((key) => [key, this.get(key)] as const);
    const event = this.#state.make(draft("settings.changed", settings));
    return new Done(this.#state, [event], (_, mine) => {
      const back = before.filter(([key]) => mine.has(keyOf(key)));
      return back.length === 0 ? [] : [draft("settings.changed", Object.fromEntries(back))];
    });
  }
}

function keyOf(key: string): string {
  return `settings/${keyPart(key)}`;
}
