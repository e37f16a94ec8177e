import { Unreadable } from "../errors.js";
import { NESTING_MAX } from "../limits.js";
import { mismatch } from "../model/shape.js";
import { MESSAGE_SHAPE_OF, MESSAGE_SHAPES } from "../schemas/messages.js";
import { SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK } from "../schemas/version.js";
import { nestsDeeper } from "./depth.js";
import { decodeMsgpack, encodeMsgpack } from "./msgpack.js";
const JSON_CODEC = {
    format: "json",
    subprotocol: SUBPROTOCOL_JSON,
    encode: (message) => JSON.stringify(message),
    decode(payload) {
        if (typeof payload !== "string")
            throw new Unreadable("a binary frame, where text was agreed on");
        return messageOf(parsed(payload));
    },
};
const MSGPACK_CODEC = {
    format: "msgpack",
    subprotocol: SUBPROTOCOL_MSGPACK,
    encode: encodeMsgpack,
    decode(payload) {
        if (typeof payload === "string")
            throw new Unreadable("a text frame, where binary was agreed on");
        return messageOf(decodeMsgpack(payload, NESTING_MAX));
    },
};
export const CODECS = { json: JSON_CODEC, msgpack: MSGPACK_CODEC };
function parsed(text) {
    if (nestsDeeper(text, NESTING_MAX))
        throw new Unreadable(`arrays and objects nest deeper than ${NESTING_MAX}`);
    try {
        return JSON.parse(text);
    }
    catch (cause) {
        throw new Unreadable(`not json: ${cause.message}`, { cause });
    }
}
function messageOf(value) {
    const type = typeof value === "object" && value !== null && "type" in value ? value["type"] : undefined;
    if (typeof type !== "string")
        throw new Unreadable("a message is an object with a type");
    if (!Object.hasOwn(MESSAGE_SHAPE_OF, type))
        return null;
    const shape = MESSAGE_SHAPE_OF[type];
    const found = mismatch(value, { $ref: shape }, MESSAGE_SHAPES, type);
    if (found !== null)
        throw new Unreadable(found);
    return value;
}
