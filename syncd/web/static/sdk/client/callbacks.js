export class Callbacks {
    #callbacks = new Set();
    add(callback) {
        const own = (what) => callback(what);
        this.#callbacks.add(own);
        return () => this.#callbacks.delete(own);
    }
    tell(what) {
        if (this.#callbacks.size === 0)
            return;
        queueMicrotask(() => {
            for (const callback of [...this.#callbacks]) {
                try {
                    callback(what);
                }
                catch (error) {
                    queueMicrotask(() => {
                        throw error;
                    });
                }
            }
        });
    }
}
