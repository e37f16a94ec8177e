import { sameJson } from "../model/canonical.js";
import { sameCell } from "../model/cells.js";
import { dataOf } from "../model/events.js";
import { eventId } from "../model/ids.js";
import { lower } from "../model/lowering/lowering.js";
import { restamp } from "../model/restamp.js";
import { stamp } from "../model/stamp.js";
import { at } from "../model/views/under.js";
import { Names } from "./renumber.js";
export function identified({ header, outbox }, login, now, isAdmitted) {
    const isFresh = header.writer !== login.writer;
    const kept = isFresh ? outbox.filter((event) => !isAdmitted(event)) : outbox;
    const rows = renumbered(restamp(kept, now, header.writer), header, login);
    const { account, device, writer } = login;
    const sent_t = isFresh ? 0 : header.sent_t;
    const clock_t = rows.reduce((last, { t }) => Math.max(last, t), Math.max(sent_t, header.seen_t));
    return { header: { ...header, account, device, writer, sent_t, clock_t }, outbox: rows };
}
export function renumbered(rows, old, login) {
    const counts = new Map();
    const renamings = rows.map(({ stream, seq, t }) => {
        const place = at(counts, stream, () => 0) + 1;
        counts.set(stream, place);
        const now = old.writer === login.writer ? seq : place;
        return { from: { stream, writer: old.writer, seq, t }, to: { stream, writer: login.writer, seq: now, t } };
    });
    const names = new Names(renamings, { from: old.device, to: login.device });
    return rows.map((row, index) => ({
        ...row,
        seq: renamings[index].to.seq,
        data: names.rewritten(row.kind, row.data, row.stream),
    }));
}
export function isAdmitted(event, writer, confirmed) {
    const { stream, seq, t, kind, data } = event;
    const id = eventId(writer, seq);
    for (const [key, cell] of lower({ stream, writer, seq, t, kind, data })) {
        const found = confirmed.get(key);
        if (found === undefined)
            continue;
        if (sameCell(found, cell) || (key.endsWith(`/${id}`) && sameButT(found, cell)))
            return true;
    }
    return false;
}
export function isTheOneSeen(event, writer, seenT, confirmed) {
    return seenT === event.t || isAdmitted({ ...event, t: seenT }, writer, confirmed);
}
export function concerns({ madeT, admittedT, writer }, event) {
    const namesIt = dataOf(event, "progress.listened")?.through === stamp(madeT, writer);
    return !event.sent && (namesIt || event.t <= admittedT);
}
export function followed(outbox, { madeT, admittedT, writer }, now) {
    const [old, through] = [stamp(madeT, writer), stamp(admittedT, writer)];
    const named = outbox.map((row) => {
        const listened = row.sent ? undefined : dataOf(row, "progress.listened");
        return listened?.through === old ? { ...row, data: { ...listened, through } } : row;
    });
    return restamp(named, now, writer);
}
function sameButT(a, b) {
    const timeless = ({ value }) => typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value, t: 0 } : value;
    return sameJson(timeless(a), timeless(b));
}
