/** Devices of tests: they never connect, and believe that they are connected, or not. */
import { draft } from "../../src/client/draft.js";
import type { Done } from "../../src/client/done.js";
import { Face } from "../../src/client/face.js";
import type { LocalState } from "../../src/client/local_state.js";
import type { OwnEvent } from "../../src/client/own_event.js";
import type { Sources } from "../../src/client/upcoming.js";
import { lower } from "../../src/model/lowering/lowering.js";
import type { DataOf, Kind } from "../../src/model/events.js";
import { pack } from "../../src/model/stamp.js";
import { ack, ACCOUNT, identified } from "./desk.js";

/** A device whose inside a test may see. */
export class OpenFace extends Face {
  get state(): LocalState {
    return this.local;
  }

  get wanted(): readonly string[] {
    return this.wantedStreams();
  }

  checkFenced(): void {
    this.fenced.check();
  }

  /** The tracks of the queue, as one text. */
  get queued(): string {
    return this.queue.tracks.join(" ");
  }

  /** The track that shows as playing, or paused. */
  get track(): string | null {
    return this.playback?.item.track ?? null;
  }

  /** The event that was made last. */
  get last(): OwnEvent {
    return [...this.local.outbox].at(-1)!;
  }

  /** Everything made so far is admitted. */
  async acknowledge(): Promise<void> {
    await this.local.stored();
    for (const event of [...this.local.outbox]) this.local.acked(ack(event), false);
  }

  /** An event of another device arrives. Returns its id. */
  hear<K extends Kind>(kind: K, data: DataOf<K>, { seq, tMs }: { readonly seq: number; readonly tMs: number }): string {
    const [writer, t] = ["otherwrite", pack(tMs)];
    const cells = lower({ stream: "a:me", writer, seq, t, kind, data: draft(kind, data).data as never });
    const by = { account: ACCOUNT, device: "d2", kind, event: `${writer}.${seq}`, t };
    const wire = Array.from(cells, ([key, { rank, value }]) => [key, rank, value] as const);
    this.local.heard({ type: "delta", stream: "a:me", cells: wire, cursor: "c", by });
    return by.event;
  }
}

/** A device that has a writer; see the first line. */
export async function faceOf(state?: LocalState, more: Sources & { readonly connected?: boolean } = {}): Promise<OpenFace> {
  const { connected = true, ...sources } = more;
  return new OpenFace(state ?? (await identified()), { isConnected: () => connected, ...sources });
}

/** What takes it back, which must be offered. */
export function undo(done: Done): Done {
  if (done.undo === null) throw new Error("undo is not offered");
  return done.undo();
}
