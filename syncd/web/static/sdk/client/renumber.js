import { isKind } from "../model/events.js";
import { eventId, isPlaylist, splitItem } from "../model/ids.js";
import { stamp } from "../model/stamp.js";
import { at } from "../model/views/under.js";
export class Names {
    #events = new Map();
    #seqs = new Map();
    #stamps = new Map();
    #devices;
    constructor(renamings, devices) {
        this.#devices = new Map([[devices.from, devices.to]]);
        for (const { from, to } of renamings) {
            at(this.#events, from.stream, () => new Map()).set(eventId(from.writer, from.seq), eventId(to.writer, to.seq));
            const { writer } = from;
            at(this.#seqs, from.stream, () => ({ writer, toWriter: to.writer, seqs: new Map() })).seqs.set(from.seq, to.seq);
            this.#stamps.set(stamp(from.t, from.writer), stamp(to.t, to.writer));
        }
    }
    rewritten(kind, data, stream) {
        if (!isKind(kind))
            return data;
        const rewrite = REWRITES[kind];
        return rewrite === undefined ? data : rewrite(data, new NamesOf(this, stream));
    }
    event(id, stream) {
        return this.#events.get(stream)?.get(id) ?? id;
    }
    item(id, stream) {
        const { event, k } = splitItem(id);
        const now = this.event(event, stream);
        return now === event ? id : `${now}.${k}`;
    }
    playlistItem(id) {
        const streams = [...this.#events.keys()].filter(isPlaylist);
        return streams.map((stream) => this.item(id, stream)).find((now) => now !== id) ?? id;
    }
    seen(seen, stream) {
        const own = this.#seqs.get(stream);
        const last = own === undefined ? undefined : seen[own.writer];
        if (own === undefined || last === undefined)
            return { ...seen };
        const covered = [...own.seqs.keys()].filter((seq) => seq <= last);
        if (covered.length === 0)
            return { ...seen };
        const { [own.writer]: _, ...others } = seen;
        const first = Math.min(...covered);
        const kept = first > 1 ? { [own.writer]: first - 1 } : {};
        return { ...others, ...kept, [own.toWriter]: own.seqs.get(Math.max(...covered)) ?? last };
    }
    rank(rank) {
        return this.#stamps.get(rank) ?? rank;
    }
    device(device) {
        return this.#devices.get(device) ?? device;
    }
}
class NamesOf {
    all;
    stream;
    constructor(all, stream) {
        this.all = all;
        this.stream = stream;
    }
    event = (id) => this.all.event(id, this.stream);
    item = (id) => this.all.item(id, this.stream);
    rank = (rank) => this.all.rank(rank);
    device = (device) => this.all.device(device);
    parent(data) {
        return typeof data.parent === "string" ? { ...data, parent: this.item(data.parent) } : data;
    }
    played(item) {
        return { ...item, id: item.from === "queue" ? this.item(item.id) : this.all.playlistItem(item.id) };
    }
    setting(key) {
        const slash = key.indexOf("/");
        return slash < 0 ? key : this.device(key.slice(0, slash)) + key.slice(slash);
    }
}
const inEpoch = (data, { event }) => ({
    ...data,
    epoch: event(data.epoch),
});
const inPlay = (data, { event }) => ({
    ...data,
    play: event(data.play),
});
const ofDevice = (data, { device }) => ({
    ...data,
    device: device(data.device),
});
const listed = (data, { item }) => ({
    ...data,
    ids: data.ids.map(item),
});
const REWRITES = {
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
    "settings.changed": (data, names) => Object.fromEntries(Object.entries(data).map(([key, value]) => [names.setting(key), value])),
};
