import { sameCell } from "../model/cells.js";
import { answersTo, commandsOf } from "../model/views/sounding.js";
import { Done } from "./done.js";
import { draft } from "./draft.js";
const DRIFT_MS = 300;
const LONG_ITEM_MS = 600_000;
const REPORT_MS = 60_000;
export class Renderer {
    #state;
    #player;
    #last = null;
    constructor(state, player) {
        this.#state = state;
        this.#player = player;
    }
    get wanted() {
        const { view } = this.#player;
        return view?.device === this.#state.header.device ? view : null;
    }
    measured(positionMs, { buffering = false } = {}) {
        const view = this.wanted;
        const answers = view === null ? null : this.#answers(view);
        if (view === null || answers === null || !this.#isDue(view, answers, positionMs, buffering))
            return null;
        this.#last = { answers, buffering, atMs: view.as_of_ms };
        const report = { play: view.play, position_ms: positionMs, buffering, answers };
        return new Done(this.#state, [this.#state.make(draft("playback.reported", report))]);
    }
    ended() {
        return this.wanted === null ? null : this.#player.ended();
    }
    #isDue(view, answers, positionMs, buffering) {
        const last = this.#last;
        if (last === null || last.answers.join() !== answers.join() || last.buffering !== buffering)
            return true;
        if (!view.playing || buffering)
            return false;
        const isLong = view.duration_ms !== null && view.duration_ms > LONG_ITEM_MS;
        return Math.abs(positionMs - view.position_ms) > DRIFT_MS || (isLong && view.as_of_ms - last.atMs >= REPORT_MS);
    }
    #answers({ play, epoch, device }) {
        const { shown, confirmed } = this.#state.replicas.own;
        const keys = [`play/${play}`, `play/${epoch}`, `play_at/${play}`, `play_on/${epoch}`, `play_off/${epoch}`];
        if (!keys.every((key) => sameCell(shown.get(key), confirmed.get(key))))
            return null;
        const head = this.#player.head;
        return head?.id === play ? answersTo(commandsOf(confirmed, head, device)) : null;
    }
}
