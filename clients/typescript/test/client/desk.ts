/** What tests of the client lean on: a device without a server, and clocks turned by hand. */
import type { Json } from "../../src/model/canonical.js";
import type { Cells } from "../../src/model/cells.js";
import { stamp } from "../../src/model/stamp.js";
import type { DeviceClock } from "../../src/client/clocks.js";
import { draft, type Draft } from "../../src/client/draft.js";
import { LocalState } from "../../src/client/local_state.js";
import { MemoryStore } from "../../src/client/memory_store.js";
import type { OwnEvent } from "../../src/client/own_event.js";
import type { Login } from "../../src/client/renaming.js";
import type { Store } from "../../src/client/store.js";
import type { AckItem, Delta } from "../../src/schemas/messages.js";

export const ACCOUNT = "9f3c";
export const WRITER = "writer0001";
export const DEVICE = "d1";
export const PLAYLIST = "p:0123456789abcdef";
/** Where both the wall clock and, in tests that have one, the server's clock begin. */
export const START_MS = 1_763_870_000_000;

/** A device's clocks. They stand still until told otherwise. */
export class ManualDeviceClock implements DeviceClock {
  boot = "boot-1";
  #monotonicMs = 1_000_000;

  constructor(public wall = START_MS) {}

  wallMs(): number {
    return this.wall;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** Let time go by on both clocks. */
  passMs(ms: number): void {
    this.wall += ms;
    this.#monotonicMs += ms;
  }

  /** Start the monotonic clock anew, after the machine was off for a while. */
  reboot(offMs = 0): void {
    this.wall += offMs;
    this.#monotonicMs = 0;
    this.boot += "'";
  }
}

/** Who a server would say we are. */
export function login(writer = WRITER, more: Partial<Login> = {}): Login {
  return { writer, device: DEVICE, account: ACCOUNT, ...more };
}

/** A state that has a writer. */
export async function identified(store: Store = new MemoryStore(), clock: DeviceClock = new ManualDeviceClock()): Promise<LocalState> {
  const state = await LocalState.open(store, clock);
  await state.identify(login());
  return state;
}

/** Make an event, and let the store have it. */
export async function saved(state: LocalState, given: Draft): Promise<OwnEvent> {
  const event = state.make(given);
  await state.stored();
  return event;
}

/** A draft that writes one register. */
export function like(track: string): Draft {
  return draft("library.changed", { set: "tracks", ids: [track], value: true });
}

/** The server's answer to an event. */
export function ack(event: OwnEvent, more: Partial<AckItem> = {}): AckItem {
  const { stream, writer, seq, t } = event.event;
  return { stream, writer, seq, t, ...more };
}

/** A delta that nobody in particular stands behind. */
export function delta(cells: Delta["cells"], cursor: string | null = null, stream = "a:me"): Delta {
  return { type: "delta", stream, cells, cursor };
}

/** A cell as a message has it: a register, written at `t`. */
export function written(key: string, value: Json, t: number, writer = "another000"): Delta["cells"][number] {
  return [key, stamp(t, writer), value];
}

/** What shows of a stream. */
export function shownOf(state: LocalState, stream = "a:me"): Cells {
  return state.replicas.get(stream).shown.all();
}
