export class Serial {
    #tail = Promise.resolve();
    run(work) {
        const result = this.#tail.then(work);
        this.#tail = result.catch(() => undefined);
        return result;
    }
}
