import { family } from "../model/ids.js";
import { ListView } from "../model/views/live_list.js";
import { at } from "../model/views/under.js";
import { Plays, shownHead } from "../model/views/plays.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import { KeptView } from "./kept_view.js";
export class Lists {
    #state;
    #views = new Map();
    #plays;
    #session = null;
    #consumedTo = null;
    constructor(state) {
        this.#state = state;
        this.#plays = new KeptView(state, OWN_STREAM, ["play"], (cells) => new Plays(cells));
        state.replicas.watch((change) => this.#changed(change));
    }
    view(name, list) {
        const { stream, shown } = this.#state.replicas.get(name);
        const view = at(this.#views, `${stream} ${list}`, () => {
            if (list === "queue")
                this.#consumedTo = null;
            return new ListView(list, shown.of(list));
        });
        if (list === "queue")
            this.#consume(view);
        return view;
    }
    plays() {
        return this.#plays.get();
    }
    head() {
        const plays = this.plays();
        const { device, left_epoch: left } = this.#state.header;
        if (this.#session?.plays !== plays || this.#session.device !== device || this.#session.left !== left) {
            const hasLeft = left !== null && plays.detachedHead(device)?.epoch === left;
            this.#session = { plays, device, left, head: shownHead(plays, hasLeft ? null : device) };
        }
        return this.#session.head;
    }
    #consume(queue) {
        const [plays, head] = [this.plays(), this.head()];
        if (this.#consumedTo?.plays === plays && this.#consumedTo.head === head)
            return;
        this.#consumedTo = { plays, head };
        queue.consume(plays.consumed(head));
    }
    #changed({ stream, cells }) {
        const ofList = new Map();
        for (const [key, cell] of cells) {
            const list = `${stream} ${family(key)}`;
            if (this.#views.has(list))
                at(ofList, list, () => new Map()).set(key, cell);
        }
        for (const [list, changed] of ofList)
            this.#views.get(list)?.apply(changed);
    }
}
