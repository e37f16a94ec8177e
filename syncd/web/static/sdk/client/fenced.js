import { NotFound } from "../errors.js";
import { dataOf } from "../model/events.js";
import { ms, stamp, stampT } from "../model/stamp.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import { ofFamilies } from "./subscribe.js";
const FENCED_MS = 2_000;
export class Fenced {
    #state;
    #lists;
    #player;
    #isNews = false;
    constructor(state, lists, player) {
        this.#state = state;
        this.#lists = lists;
        this.#player = player;
        const concerns = ofFamilies(OWN_STREAM, "play");
        state.replicas.watch((change) => {
            if (this.#player.controls.length > 0 && concerns(change))
                this.#isNews = true;
        });
    }
    check() {
        if (!this.#isNews)
            return;
        this.#isNews = false;
        const plays = this.#lists.plays();
        const head = plays.head();
        const start = head === null ? null : plays.startOf(head);
        const { view } = this.#player;
        if (start === null || view === null || view.epoch !== start.id)
            return;
        const forgottenMs = this.#state.time.nowMs() - 2 * FENCED_MS;
        for (const event of [...this.#player.controls]) {
            const isFenced = this.#epochOf(event) !== start.id && isFencedBy(start, event);
            const isOld = ms(event.event.t) < forgottenMs && event.outcome !== "pending";
            if (isOld || isFenced)
                this.#player.controls = this.#player.controls.filter((each) => each !== event);
            if (isFenced && !isOld)
                this.#again(event, view);
        }
    }
    #again({ event }, now) {
        const player = this.#player;
        const [speed, seeked] = [dataOf(event, "playback.speed_changed"), dataOf(event, "playback.seeked")];
        const advanced = dataOf(event, "playback.advanced");
        if (event.kind === "playback.paused" && now.playing)
            player.pause();
        else if (event.kind === "playback.resumed" && !now.playing)
            player.resume();
        else if (speed !== undefined && speed.speed_permille !== now.speed_permille)
            player.setSpeed(speed.speed_permille);
        else if (seeked !== undefined && this.#itemOf(seeked.play) === now.item.id)
            player.seek(seeked.position_ms);
        else if (advanced?.automatic === false && this.#itemOf(advanced.follows[0]) === now.item.id) {
            try {
                player.next();
            }
            catch (error) {
                if (!(error instanceof NotFound))
                    throw error;
            }
        }
    }
    #epochOf({ event }) {
        const { epoch, play } = event.data;
        return event.kind === "playback.seeked" && play !== undefined ? this.#lists.plays().get(play)?.epoch : epoch;
    }
    #itemOf(play) {
        return this.#lists.plays().get(play)?.item.id;
    }
}
function isFencedBy(start, { event, outcome }) {
    if (outcome === "refused" || outcome === "gone" || start.id.startsWith(`${event.writer}.`))
        return false;
    const isLater = stamp(event.t, event.writer) > start.rank;
    return isLater && ms(event.t) - ms(stampT(start.rank)) < FENCED_MS;
}
