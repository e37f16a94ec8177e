import { keyPart } from "../ids.js";
import { FLAG, given, registers } from "./writes.js";
export const DESCRIBED = {
    "device.described": ({ device, ...fields }, { rank }) => registers(rank, given(`device/${keyPart(device)}/`, fields)),
    "device.revoked": ({ device }) => new Map([[`device/${keyPart(device)}/revoked`, FLAG]]),
    "playlist.described": (fields, { rank }) => registers(rank, given("playlist/", fields)),
    "playlist.member_changed": ({ account, role }, { rank }) => registers(rank, [[`member/${keyPart(account)}`, role]]),
};
