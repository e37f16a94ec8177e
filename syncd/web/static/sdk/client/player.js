import { InvalidEvent, NotFound } from "../errors.js";
import { CONTROL_VALID_MS } from "../limits.js";
import { keyPart } from "../model/ids.js";
import { playbackAt } from "../model/views/playback.js";
import { NORMAL_SPEED_PERMILLE } from "../model/views/sounding.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import { Done } from "./done.js";
import { draft } from "./draft.js";
import { ofFamilies, subscribe } from "./subscribe.js";
import { playedItem } from "./upcoming.js";
const BACK_MS = 3_000;
const CONTROLS_MAX = 16;
const FAMILIES = ["play", "play_at", "play_on", "play_off", "play_speed", "play_report", "mode", "device"];
export class Player {
    controls = [];
    #state;
    #lists;
    #upcoming;
    #isConnected;
    constructor(state, lists, upcoming, isConnected) {
        this.#state = state;
        this.#lists = lists;
        this.#upcoming = upcoming;
        this.#isConnected = isConnected;
    }
    get view() {
        return this.#view(this.head);
    }
    get head() {
        return this.#lists.head();
    }
    get live() {
        return this.#view(this.#lists.plays().head());
    }
    get modes() {
        return this.#upcoming.modes;
    }
    get offersPlayHere() {
        return this.view?.detached === true && this.live !== null;
    }
    subscribe(callback) {
        return subscribe(this.#state, ofFamilies(OWN_STREAM, ...FAMILIES), callback);
    }
    play(item, how = {}) {
        const { context = null, positionMs = 0, device = this.#me, playing = true } = how;
        return this.#act(() => {
            const speed = this.view?.speed_permille ?? NORMAL_SPEED_PERMILLE;
            const start = { item: this.#item(item, context), context, playing, position_ms: positionMs, speed_permille: speed };
            return this.#start(device, start);
        });
    }
    transfer(device) {
        return this.#act(() => {
            const { context, position_ms, playing, speed_permille } = this.#now();
            return this.#start(device, { item: this.#head().item, context, position_ms, playing, speed_permille });
        });
    }
    playHere() {
        return this.transfer(this.#me);
    }
    async leaveDetached() {
        const { view } = this;
        if (view?.detached)
            await this.#state.leave(view.epoch);
    }
    pause() {
        return this.#control(({ epoch }) => ["playback.paused", { epoch }]);
    }
    resume() {
        return this.#control(({ epoch, play, position_ms }) => ["playback.resumed", { epoch, play, position_ms }]);
    }
    seek(positionMs) {
        return this.#control(({ play, playing }) => ["playback.seeked", { play, position_ms: positionMs, playing }]);
    }
    setSpeed(speedPermille) {
        return this.#control(({ epoch, play, position_ms, playing }) => [
            "playback.speed_changed",
            { epoch, play, position_ms, playing, speed_permille: speedPermille },
        ]);
    }
    next() {
        return this.#control(() => {
            const item = this.#upcoming.after(this.#head(), false);
            if (item === null) {
                throw new NotFound("there is nothing to go on with: the queue is empty, and the context at its end");
            }
            return this.#advance(item);
        });
    }
    ended() {
        return this.#control(({ epoch }) => {
            const item = this.#upcoming.after(this.#head(), true);
            return item === null ? ["playback.paused", { epoch }] : this.#advance(item, true);
        });
    }
    previous() {
        return this.#control(({ play, playing, position_ms }) => {
            const item = position_ms > BACK_MS ? null : this.#upcoming.before(this.#head());
            return item === null ? ["playback.seeked", { play, position_ms: 0, playing }] : this.#advance(item);
        });
    }
    setVolume(volumePermille, { device = this.view?.device ?? this.#me } = {}) {
        const before = this.#state.replicas.own.shown.get(`device/${keyPart(device)}/volume_permille`);
        const volume = (volume_permille) => draft("device.volume_changed", { device, volume_permille }, { validMs: this.#validMs(device) });
        return this.#act(() => volume(volumePermille), (_, mine) => (mine.size > 0 && before !== undefined ? [volume(before.value)] : []));
    }
    setShuffle(on, { seed = drawnSeed() } = {}) {
        return this.#setMode("shuffle", { on, seed });
    }
    setRepeat(repeat) {
        return this.#setMode("repeat", repeat);
    }
    setSleep({ afterMs }) {
        return this.#setMode("sleep_at_ms", afterMs === null ? null : this.#state.time.nowMs() + afterMs);
    }
    get #me() {
        return this.#state.header.device;
    }
    #act(build, restore = null) {
        return new Done(this.#state, [this.#state.act(build)], restore);
    }
    #control(build) {
        const done = this.#act(() => {
            const now = this.#now();
            const [kind, data] = build(now);
            return draft(kind, data, { validMs: this.#validMs(now.device) });
        });
        this.controls = [...this.controls, ...done.events].slice(-CONTROLS_MAX);
        return done;
    }
    #validMs(device) {
        return device === this.#me ? null : CONTROL_VALID_MS;
    }
    #view(head) {
        return playbackAt(this.#state.replicas.own.shown, this.#lists.plays(), head, this.#state.time.nowMs());
    }
    #now() {
        const { view } = this;
        if (view === null)
            throw new NotFound("nothing was ever played on this account");
        return view;
    }
    #head() {
        const { head } = this;
        if (head === null)
            throw new NotFound("nothing was ever played on this account");
        return head;
    }
    #item(given, context) {
        if (typeof given === "object" && isEntry(given)) {
            const isQueued = this.#lists.view(OWN_STREAM, "queue").shows(given.id);
            return playedItem(given, isQueued ? "queue" : "context");
        }
        const item = typeof given === "string" ? { track: given } : given;
        if (typeof item.track !== "string")
            throw new InvalidEvent(`${JSON.stringify(given)} has no track to play`);
        const { id, from } = item;
        if (typeof id === "string")
            return playedItem({ id, item }, from === "queue" ? "queue" : "context");
        const same = this.#upcoming.entries(context).find((entry) => entry.item["track"] === item.track);
        return playedItem({ id: same?.id ?? item.track, item: { ...same?.item, ...item } }, "context");
    }
    #start(device, start) {
        const detached = device === this.#me && !this.#isConnected();
        const data = { device, follows: this.#followed(), detached, ...start };
        return draft("playback.started", data, { validMs: this.#validMs(device) });
    }
    #followed() {
        const plays = this.#lists.plays();
        const heads = [this.head];
        if (this.#isConnected())
            heads.push(plays.detachedHead(this.#me), plays.head());
        return [...new Set(heads.flatMap((head) => head?.id ?? []))].slice(0, 2);
    }
    #advance(item, automatic = false) {
        const { id, epoch, generation } = this.#head();
        return ["playback.advanced", { epoch, generation: generation + 1, follows: [id], item, automatic }];
    }
    #setMode(mode, value) {
        const before = this.#state.replicas.own.shown.get(`mode/${mode}`);
        return this.#act(() => draft("playback.mode_changed", { [mode]: value }), (_, mine) => (mine.size > 0 && before !== undefined ? [draft("playback.mode_changed", { [mode]: before.value })] : []));
    }
}
function isEntry(given) {
    return typeof given["item"] === "object" && typeof given["id"] === "string" && !("track" in given);
}
function drawnSeed() {
    return crypto.getRandomValues(new Uint32Array(1))[0];
}
