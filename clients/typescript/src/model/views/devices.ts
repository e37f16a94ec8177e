/**
 * The devices of an account, as they describe themselves. Which of them are connected is presence, and never in cells.
 * Source: merge.md section 3.3.
 */
import type { Json } from "../canonical.js";
import type { ReadonlyCells } from "../cells.js";
import { cutAtSlash, fromKeyPart } from "../ids.js";
import { at, sortedByKey, under } from "./under.js";

/** One device; null stands for what it never said. */
export type DeviceView = {
  readonly device: string;
  readonly name: string | null;
  readonly kind: string | null;
  readonly capabilities: Json;
  readonly volume_permille: number | null;
  readonly revoked: boolean;
};

/** All devices that any cell names, revoked ones included, by id in code-point order. */
export function devicesView(cells: ReadonlyCells): DeviceView[] {
  const devices = new Map<string, Map<string, Json>>();
  for (const [key, cell] of under(cells, "device/")) {
    const [part, field] = cutAtSlash(key);
    at(devices, fromKeyPart(part), () => new Map()).set(field, cell.value);
  }
  return Array.from(sortedByKey(devices), ([device, fields]) => ({
    device,
    name: (fields.get("name") ?? null) as string | null,
    kind: (fields.get("kind") ?? null) as string | null,
    capabilities: fields.get("capabilities") ?? null,
    volume_permille: (fields.get("volume_permille") ?? null) as number | null,
    revoked: fields.get("revoked") === true,
  }));
}
