/** How pending events get other names and times, as transforms of what the store holds. Pure. Source: merge.md section 1. */
import type { Json } from "../model/canonical.js";
import { sameJson } from "../model/canonical.js";
import { sameCell, type Cell, type ReadonlyCells } from "../model/cells.js";
import { dataOf } from "../model/events.js";
import { eventId } from "../model/ids.js";
import { lower } from "../model/lowering/lowering.js";
import { restamp, type Pending, type Reconnect } from "../model/restamp.js";
import { stamp } from "../model/stamp.js";
import { at } from "../model/views/under.js";
import { Names } from "./renumber.js";
import type { Header, Ledger, OutboxRow } from "./store_rows.js";

/** Who the server says we are. */
export type Login = { readonly writer: string; readonly device: string; readonly account: string };

/**
 * Pending events as this login will send them, and the header to go with them.
 *
 * Events never sent are restamped. Under another writer all are counted again from 1 on each stream, in the same order,
 * and those that `isAdmitted` finds in the confirmed cells are left out: another life of this store has sent them.
 */
export function identified(
  { header, outbox }: Pick<Ledger, "header" | "outbox">,
  login: Login,
  now: Reconnect,
  isAdmitted: (event: Pending) => boolean,
): Pick<Ledger, "header" | "outbox"> {
  const isFresh = header.writer !== login.writer;
  const kept = isFresh ? outbox.filter((event) => !isAdmitted(event)) : outbox;
  const rows = renumbered(restamp(kept, now, header.writer), header, login);
  const { account, device, writer } = login;
  const sent_t = isFresh ? 0 : header.sent_t;
  const clock_t = rows.reduce((last, { t }) => Math.max(last, t), Math.max(sent_t, header.seen_t));
  return { header: { ...header, account, device, writer, sent_t, clock_t }, outbox: rows };
}

/** The same events in the same order under the login's writer and device; with the same writer they keep their numbers. */
export function renumbered(rows: readonly OutboxRow[], old: Pick<Header, "writer" | "device">, login: Login): OutboxRow[] {
  const counts = new Map<string, number>();
  const renamings = rows.map(({ stream, seq, t }) => {
    const place = at(counts, stream, () => 0) + 1;
    counts.set(stream, place);
    const now = old.writer === login.writer ? seq : place;
    return { from: { stream, writer: old.writer, seq, t }, to: { stream, writer: login.writer, seq: now, t } };
  });
  const names = new Names(renamings, { from: old.device, to: login.device });
  return rows.map((row, index) => ({
    ...row,
    seq: renamings[index]!.to.seq,
    data: names.rewritten(row.kind, row.data, row.stream),
  }));
}

/**
 * Whether the confirmed cells hold what a pending event writes. Runs and plays are named after their event; of a register
 * only the same stamp with the same value is proof.
 */
export function isAdmitted(event: Pending, writer: string, confirmed: ReadonlyCells): boolean {
  const { stream, seq, t, kind, data } = event;
  const id = eventId(writer, seq);
  for (const [key, cell] of lower({ stream, writer, seq, t, kind, data })) {
    const found = confirmed.get(key);
    if (found === undefined) continue;
    if (sameCell(found, cell) || (key.endsWith(`/${id}`) && sameButT(found, cell))) return true;
  }
  return false;
}

/**
 * Whether an event that the server says it has seen, admitted with `seenT`, is this one. A store restored from a backup
 * that went on without a connection has used numbers a second time: then what the server has seen is another event.
 */
export function isTheOneSeen(event: Pending, writer: string, seenT: number, confirmed: ReadonlyCells): boolean {
  return seenT === event.t || isAdmitted({ ...event, t: seenT }, writer, confirmed);
}

/** An own event was admitted with another time than it was made with. */
export type Admission = { readonly madeT: number; readonly admittedT: number; readonly writer: string };

/** Whether an event that never left must change: it names the old stamp, or would be older than its elder. */
export function concerns({ madeT, admittedT, writer }: Admission, event: Pending): boolean {
  const namesIt = dataOf(event, "progress.listened")?.through === stamp(madeT, writer);
  return !event.sent && (namesIt || event.t <= admittedT);
}

/**
 * Pending events after one before them was admitted with another time. `now.sent_t` includes the admitted time, so what
 * never left is stamped later, as the gateway would have it.
 */
export function followed(outbox: readonly OutboxRow[], { madeT, admittedT, writer }: Admission, now: Reconnect): OutboxRow[] {
  const [old, through] = [stamp(madeT, writer), stamp(admittedT, writer)];
  const named = outbox.map((row) => {
    const listened = row.sent ? undefined : dataOf(row, "progress.listened");
    return listened?.through === old ? { ...row, data: { ...listened, through } } : row;
  });
  return restamp(named, now, writer);
}

function sameButT(a: Cell, b: Cell): boolean {
  const timeless = ({ value }: Cell): Json =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value, t: 0 } : value;
  return sameJson(timeless(a), timeless(b));
}
