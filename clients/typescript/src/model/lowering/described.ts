/** What the events that describe devices and playlists write: a register a field given. Source: merge.md section 3.3. */
import { keyPart } from "../ids.js";
import { FLAG, given, registers, type Lowering } from "./writes.js";

type Kinds = "device.described" | "device.revoked" | "playlist.described" | "playlist.member_changed";

export const DESCRIBED: { readonly [K in Kinds]: Lowering<K> } = {
  "device.described": ({ device, ...fields }, { rank }) =>
    registers(rank, given(`device/${keyPart(device)}/`, fields)),

  "device.revoked": ({ device }) => new Map([[`device/${keyPart(device)}/revoked`, FLAG]]),

  // Deleting is a register like any other, so it can be undone.
  "playlist.described": (fields, { rank }) => registers(rank, given("playlist/", fields)),

  // A role of null takes the member off.
  "playlist.member_changed": ({ account, role }, { rank }) => registers(rank, [[`member/${keyPart(account)}`, role]]),
};
