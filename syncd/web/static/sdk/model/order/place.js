import { NotFound } from "../../errors.js";
import { Blocks } from "./blocks.js";
import { edgeSlot, Tree, walk } from "./tree.js";
const REBUILD_SHARE = 8;
export class ListOrder {
    #tree = new Tree();
    #slots = new Blocks();
    get slots() {
        return this.#slots;
    }
    get runIds() {
        return this.#tree.runs.keys();
    }
    apply(runs) {
        const known = this.#tree.runs;
        const fresh = [];
        let isSteady = true;
        for (const [id, run] of runs) {
            const old = known.get(id);
            if (old === undefined) {
                if (run !== null)
                    fresh.push(run);
            }
            else {
                isSteady &&= run !== null && run.hangsLike(old) && this.#tree.restamp(run);
            }
        }
        if (!isSteady) {
            const all = [...new Map([...known, ...runs]).values()];
            this.#tree = new Tree(all.filter((run) => run !== null));
        }
        else if (fresh.length * REBUILD_SHARE <= known.size) {
            return fresh.flatMap((run) => this.#enter(run));
        }
        else {
            for (const run of fresh)
                this.#tree.add(run);
        }
        this.#slots = new Blocks(this.#tree.order());
        return null;
    }
    place(left) {
        if (left === null) {
            const first = this.#slots.first();
            return first === null ? { parent: null, side: "R" } : { parent: first, side: "L" };
        }
        if (!this.#slots.has(left))
            throw new NotFound(`slot ${left} is not in this list`);
        return this.#tree.isOpenEnd(left) ? { parent: left, side: "R" } : { parent: this.#slots.after(left), side: "L" };
    }
    placeAtEnd() {
        return this.place(this.#slots.last());
    }
    #enter(run) {
        this.#tree.add(run);
        const { parent, side } = run;
        if (parent === null ? side !== "R" : !this.#slots.has(parent))
            return [];
        const slots = walk([run]);
        const lower = this.#tree.lowerSibling(run);
        const beside = lower === null ? parent : edgeSlot(lower, side);
        if (side === "L" && beside !== null)
            this.#slots.insertBefore(beside, slots);
        else
            this.#slots.insertAfter(beside, slots);
        return slots;
    }
}
