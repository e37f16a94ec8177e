import { OWN_STREAM } from "../protocol/client_session.js";
export function draft(kind, data, more = {}) {
    return { kind, data, stream: more.stream ?? OWN_STREAM, validMs: more.validMs ?? null };
}
