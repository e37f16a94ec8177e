export const WIRE_VERSION = 1;
export const PATH = "/v1/sync";
export const SUBPROTOCOL_JSON = "syncd.v1.json";
export const SUBPROTOCOL_MSGPACK = "syncd.v1.msgpack";
