import { cutAtSlash, fromKeyPart } from "../ids.js";
import { at, sortedByKey, under } from "./under.js";
export function devicesView(cells) {
    const devices = new Map();
    for (const [key, cell] of under(cells, "device/")) {
        const [part, field] = cutAtSlash(key);
        at(devices, fromKeyPart(part), () => new Map()).set(field, cell.value);
    }
    return Array.from(sortedByKey(devices), ([device, fields]) => ({
        device,
        name: (fields.get("name") ?? null),
        kind: (fields.get("kind") ?? null),
        capabilities: fields.get("capabilities") ?? null,
        volume_permille: (fields.get("volume_permille") ?? null),
        revoked: fields.get("revoked") === true,
    }));
}
