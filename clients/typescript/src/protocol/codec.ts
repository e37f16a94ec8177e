/**
 * Two wire formats of the same messages: text frames of JSON, binary frames of MessagePack.
 *
 * What a server says is looked at when it comes, against the shapes of the schemas, so that everything behind the codec
 * can trust its types. Source: design.md section 6.
 */
import { Unreadable } from "../errors.js";
import { NESTING_MAX } from "../limits.js";
import type { Json } from "../model/canonical.js";
import { mismatch } from "../model/shape.js";
import { MESSAGE_SHAPE_OF, MESSAGE_SHAPES, type ClientMessage, type ServerMessage } from "../schemas/messages.js";
import { SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK } from "../schemas/version.js";
import { nestsDeeper } from "./depth.js";
import { decodeMsgpack, encodeMsgpack } from "./msgpack.js";

/** What a frame carries: text, or bytes. */
export type Payload = string | Uint8Array<ArrayBuffer>;
export type Format = "json" | "msgpack";

/** One wire format. */
export type Codec = {
  readonly format: Format;
  /** The name that the handshake negotiates. */
  readonly subprotocol: string;
  /** The frame of a message. */
  encode(message: ClientMessage): Payload;
  /**
   * What a server said; null for a message of a later version, which is passed over.
   *
   * @throws Unreadable: no message of this protocol; the text says where.
   */
  decode(payload: string | Uint8Array): ServerMessage | null;
};

const JSON_CODEC: Codec = {
  format: "json",
  subprotocol: SUBPROTOCOL_JSON,
  encode: (message) => JSON.stringify(message),
  decode(payload) {
    if (typeof payload !== "string") throw new Unreadable("a binary frame, where text was agreed on");
    return messageOf(parsed(payload));
  },
};

const MSGPACK_CODEC: Codec = {
  format: "msgpack",
  subprotocol: SUBPROTOCOL_MSGPACK,
  encode: encodeMsgpack,
  decode(payload) {
    if (typeof payload === "string") throw new Unreadable("a text frame, where binary was agreed on");
    return messageOf(decodeMsgpack(payload, NESTING_MAX));
  },
};

export const CODECS: Readonly<Record<Format, Codec>> = { json: JSON_CODEC, msgpack: MSGPACK_CODEC };

function parsed(text: string): Json {
  if (nestsDeeper(text, NESTING_MAX)) throw new Unreadable(`arrays and objects nest deeper than ${NESTING_MAX}`);
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new Unreadable(`not json: ${(cause as SyntaxError).message}`, { cause });
  }
}

function messageOf(value: Json): ServerMessage | null {
  const type = typeof value === "object" && value !== null && "type" in value ? value["type"] : undefined;
  if (typeof type !== "string") throw new Unreadable("a message is an object with a type");
  if (!Object.hasOwn(MESSAGE_SHAPE_OF, type)) return null;
  const shape = MESSAGE_SHAPE_OF[type as ServerMessage["type"]];
  const found = mismatch(value, { $ref: shape }, MESSAGE_SHAPES, type);
  if (found !== null) throw new Unreadable(found);
  return value as ServerMessage;
}
