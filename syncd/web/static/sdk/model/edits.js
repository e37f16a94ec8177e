import { InvalidEvent, LimitExceeded, NotFound } from "../errors.js";
import { ITEMS_MAX } from "../limits.js";
export function insertAfter(view, left, items) {
    return inserted(view, items, view.place(left === null ? null : view.slotOf(left)));
}
export function insertAtEnd(view, items) {
    return inserted(view, items, view.placeAtEnd());
}
export function insertAt(view, index, items) {
    return inserted(view, items, placeAt(view, index));
}
export function moveAfter(view, ids, left) {
    checkIds(view, ids);
    return { list: view.name, ids, ...view.place(left === null ? null : view.slotOf(left)) };
}
export function moveTo(view, ids, index) {
    checkIds(view, ids);
    return { list: view.name, ids, ...placeAt(view, index, ids) };
}
export function undoMove(view, ids) {
    return ids.map((item) => ({ list: view.name, item, slot: view.slotOf(item) }));
}
export function removeOrRestore(view, ids) {
    checkIds(view, ids);
    return { list: view.name, ids };
}
export function clear(view) {
    return { list: view.name, seen: Object.fromEntries(view.seen()) };
}
function inserted(view, items, place) {
    checkCount(items.length, "items");
    return { list: view.name, items, ...place };
}
function placeAt(view, index, leaving = []) {
    const gaps = leaving.filter((item) => view.shows(item)).map((item) => view.indexOf(item));
    const length = view.length - gaps.length;
    if (!Number.isInteger(index) || index < 0 || index > length) {
        throw new NotFound(`index ${index} is outside 0 to ${length}, the length of ${view.name}`);
    }
    if (index === length)
        return view.placeAtEnd();
    if (index === 0)
        return view.place(null);
    let left = index - 1;
    for (const gap of gaps.sort((a, b) => a - b))
        if (gap <= left)
            left++;
    return view.place(view.slotOf(view.slice(left, left + 1)[0].id));
}
function checkIds(view, ids) {
    checkCount(ids.length, "ids");
    if (new Set(ids).size < ids.length) {
        throw new InvalidEvent(`${ids.find((id, index) => ids.indexOf(id) < index)} is given twice`);
    }
    for (const id of ids)
        view.slotOf(id);
}
function checkCount(count, what) {
    if (count < 1 || count > ITEMS_MAX) {
        throw new LimitExceeded(`${count} ${what} in one event; 1 to ${ITEMS_MAX} are allowed`);
    }
}
