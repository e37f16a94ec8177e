import { splitEvent } from "../ids.js";
import { under } from "./under.js";
export class Plays {
    #plays;
    constructor(cells) {
        this.#plays = new Map(under(cells, "play/").map(([id, cell]) => [id, playOf(id, cell)]));
    }
    get(id) {
        return this.#plays.get(id) ?? null;
    }
    startOf(play) {
        const start = this.#plays.get(play.epoch);
        return start?.generation === 0 ? start : null;
    }
    head() {
        return this.#largest((start) => !start.detached);
    }
    detachedHead(device) {
        const starts = [...this.#plays.values()].filter((play) => play.generation === 0);
        const own = starts.filter((start) => start.detached && start.device === device);
        const last = own.sort(byRankAndSeq).at(-1);
        if (last === undefined)
            return null;
        const heard = new Set([...this.#plays.values()].filter(({ epoch }) => epoch === last.id).map(({ id }) => id));
        const hasEnded = starts.some((start) => !start.detached &&
            (start.follows.some((id) => heard.has(id)) || (start.device === device && start.rank > last.rank)));
        return hasEnded ? null : this.#largest((start) => start.id === last.id);
    }
    *chain(head) {
        const waiting = head === null ? [] : [head.id];
        const reached = new Set(waiting);
        for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
            const play = this.#plays.get(id);
            if (play === undefined)
                continue;
            yield play;
            for (const before of play.follows) {
                if (!reached.has(before)) {
                    reached.add(before);
                    waiting.push(before);
                }
            }
        }
    }
    consumed(head) {
        const items = Array.from(this.chain(head), ({ item }) => item);
        return new Set(items.filter(({ from }) => from === "queue").map(({ id }) => id));
    }
    #largest(isEligible) {
        let largest = null;
        for (const play of this.#plays.values()) {
            const start = this.startOf(play);
            if (start === null || !isEligible(start))
                continue;
            if (largest === null || compare(start, play, largest.start, largest.play) > 0)
                largest = { start, play };
        }
        return largest?.play ?? null;
    }
}
function compare(startA, a, startB, b) {
    if (startA.rank !== startB.rank)
        return startA.rank < startB.rank ? -1 : 1;
    return a.generation - b.generation || Number(b.automatic) - Number(a.automatic) || byRankAndSeq(a, b);
}
function byRankAndSeq(a, b) {
    if (a.rank !== b.rank)
        return a.rank < b.rank ? -1 : 1;
    return splitEvent(a.id).seq - splitEvent(b.id).seq;
}
export function shownHead(plays, device) {
    return (device === null ? null : plays.detachedHead(device)) ?? plays.head();
}
export function consumed(cells, device = null) {
    const plays = new Plays(cells);
    return plays.consumed(shownHead(plays, device));
}
function playOf(id, { rank, value }) {
    const fields = value;
    const { epoch, generation, follows, item, automatic = false, device = null, context = null, detached = false } = fields;
    return { id, rank, epoch, generation, follows, item, automatic, device, context, detached };
}
