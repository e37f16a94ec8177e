/**
 * Own events under other names, and everything that names one of them rewritten: slots and items (`writer.seq.k`), plays
 * and epochs (`writer.seq`), what a clear has seen, and the stamps in `answers` and `through`.
 *
 * Names change when the server hands out another writer (a store that was restored from a backup must not use numbers
 * that may be taken), and when another tab has taken a number first. A device that did not know its own id yet learns it
 * in the same step. Pure. Source: merge.md section 1.
 */
import type { JsonObject } from "../model/canonical.js";
import { isKind, type DataOf, type Kind } from "../model/events.js";
import { eventId, isPlaylist, splitItem } from "../model/ids.js";
import { stamp } from "../model/stamp.js";
import { at } from "../model/views/under.js";
import type { PlayedItem } from "../schemas/events.js";

/** What an own event was called, and when it was made. */
export type Name = { readonly stream: string; readonly writer: string; readonly seq: number; readonly t: number };
/** One event's old and new name. */
export type Renaming = { readonly from: Name; readonly to: Name };

/** Old names -> new names. Names of anything else stay as they are. */
export class Names {
  readonly #events = new Map<string, Map<string, string>>();
  readonly #seqs = new Map<string, { writer: string; toWriter: string; readonly seqs: Map<number, number> }>();
  readonly #stamps = new Map<string, string>();
  readonly #devices: ReadonlyMap<string, string>;

  constructor(renamings: readonly Renaming[], devices: { readonly from: string; readonly to: string }) {
    this.#devices = new Map([[devices.from, devices.to]]);
    for (const { from, to } of renamings) {
      at(this.#events, from.stream, () => new Map()).set(eventId(from.writer, from.seq), eventId(to.writer, to.seq));
      const { writer } = from;
      at(this.#seqs, from.stream, () => ({ writer, toWriter: to.writer, seqs: new Map() })).seqs.set(from.seq, to.seq);
      this.#stamps.set(stamp(from.t, from.writer), stamp(to.t, to.writer));
    }
  }

  /** The data of an event of this kind on this stream, under the new names. */
  rewritten(kind: string, data: JsonObject, stream: string): JsonObject {
    if (!isKind(kind)) return data;
    const rewrite = REWRITES[kind] as ((data: JsonObject, names: NamesOf) => JsonObject) | undefined;
    return rewrite === undefined ? data : rewrite(data, new NamesOf(this, stream));
  }

  event(id: string, stream: string): string {
    return this.#events.get(stream)?.get(id) ?? id;
  }

  item(id: string, stream: string): string {
    const { event, k } = splitItem(id);
    const now = this.event(event, stream);
    return now === event ? id : `${now}.${k}`;
  }

  /** An item that may be an entry of any playlist: those are other streams, with their own seqs. */
  playlistItem(id: string): string {
    const streams = [...this.#events.keys()].filter(isPlaylist);
    return streams.map((stream) => this.item(id, stream)).find((now) => now !== id) ?? id;
  }

  /** What a clear has seen: of its own writer, what is acknowledged keeps its name, what is pending moves. */
  seen(seen: Readonly<Record<string, number>>, stream: string): Record<string, number> {
    const own = this.#seqs.get(stream);
    const last = own === undefined ? undefined : seen[own.writer];
    if (own === undefined || last === undefined) return { ...seen };
    const covered = [...own.seqs.keys()].filter((seq) => seq <= last);
    if (covered.length === 0) return { ...seen };
    const { [own.writer]: _, ...others } = seen;
    const first = Math.min(...covered);
    const kept = first > 1 ? { [own.writer]: first - 1 } : {};
    return { ...others, ...kept, [own.toWriter]: own.seqs.get(Math.max(...covered)) ?? last };
  }

  rank(rank: string): string {
    return this.#stamps.get(rank) ?? rank;
  }

  device(device: string): string {
    return this.#devices.get(device) ?? device;
  }
}

/** The names as seen from one stream. */
class NamesOf {
  constructor(
    readonly all: Names,
    readonly stream: string,
  ) {}

  readonly event = (id: string): string => this.all.event(id, this.stream);
  readonly item = (id: string): string => this.all.item(id, this.stream);
  readonly rank = (rank: string): string => this.all.rank(rank);
  readonly device = (device: string): string => this.all.device(device);

  parent<D extends { readonly parent?: string | null }>(data: D): D {
    return typeof data.parent === "string" ? { ...data, parent: this.item(data.parent) } : data;
  }

  played(item: PlayedItem): PlayedItem {
    return { ...item, id: item.from === "queue" ? this.item(item.id) : this.all.playlistItem(item.id) };
  }

  /** Of a key that may be device-scoped (`<device>/<key>`). */
  setting(key: string): string {
    const slash = key.indexOf("/");
    return slash < 0 ? key : this.device(key.slice(0, slash)) + key.slice(slash);
  }
}

type Rewrite<K extends Kind> = (data: DataOf<K>, names: NamesOf) => DataOf<K>;

const inEpoch = <D extends { readonly epoch: string }>(data: D, { event }: NamesOf): D => ({
  ...data,
  epoch: event(data.epoch),
});
const inPlay = <D extends { readonly play: string }>(data: D, { event }: NamesOf): D => ({
  ...data,
  play: event(data.play),
});
const ofDevice = <D extends { readonly device: string }>(data: D, { device }: NamesOf): D => ({
  ...data,
  device: device(data.device),
});
const listed = <D extends { readonly ids: readonly string[] }>(data: D, { item }: NamesOf): D => ({
  ...data,
  ids: data.ids.map(item),
});

/** Kinds that are not here name nothing that could be pending. */
const REWRITES: { readonly [K in Kind]?: Rewrite<K> } = {
  "list.inserted": (data, names) => names.parent(data),
  "list.moved": (data, names) => listed(names.parent(data), names),
  "list.moved_back": (data, { item }) => ({ ...data, item: item(data.item), slot: item(data.slot) }),
  "list.removed": listed,
  "list.restored": listed,
  "list.cleared": (data, names) => ({ ...data, seen: names.all.seen(data.seen, names.stream) }),
  "playback.started": (data, names) => ({
    ...ofDevice(data, names),
    follows: data.follows.map(names.event),
    item: names.played(data.item),
  }),
  "playback.advanced": (data, names) => ({
    ...inEpoch(data, names),
    follows: [names.event(data.follows[0])],
    item: names.played(data.item),
  }),
  "playback.paused": inEpoch,
  "playback.resumed": (data, names) => inPlay(inEpoch(data, names), names),
  "playback.seeked": inPlay,
  "playback.speed_changed": (data, names) => inPlay(inEpoch(data, names), names),
  "playback.reported": (data, names) => ({
    ...inPlay(data, names),
    answers: [names.rank(data.answers[0]), names.rank(data.answers[1])],
  }),
  "progress.listened": (data, { rank }) => ({ ...data, through: rank(data.through) }),
  "history.played": inPlay,
  "history.removed": inPlay,
  "device.volume_changed": ofDevice,
  "device.described": ofDevice,
  "settings.changed": (data, names) =>
    Object.fromEntries(Object.entries(data).map(([key, value]) => [names.setting(key), value])),
};

