import { Callbacks } from "./callbacks.js";
export function subscribe(state, concerns, callback) {
    const callbacks = new Callbacks();
    let isDue = false;
    callbacks.add(() => {
        if (!isDue)
            return;
        isDue = false;
        callback();
    });
    const unwatch = state.replicas.watch((change) => {
        if (isDue || !concerns(change))
            return;
        isDue = true;
        callbacks.tell();
    });
    return () => {
        isDue = false;
        unwatch();
    };
}
export function ofFamilies(stream, ...families) {
    return (change) => change.stream === stream && families.some((each) => change.areas.has(each));
}
