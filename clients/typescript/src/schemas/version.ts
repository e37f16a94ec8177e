// Made by tools/generate.mjs from schemas/ of the repository. Do not edit.

/** Of the wire. */
export const WIRE_VERSION = 1;
/** Of the socket, below a gateway's address. */
export const PATH = "/v1/sync";
/** Text frames; also spoken when none is asked for. */
export const SUBPROTOCOL_JSON = "syncd.v1.json";
/** Binary frames, the same structures. */
export const SUBPROTOCOL_MSGPACK = "syncd.v1.msgpack";
