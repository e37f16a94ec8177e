import { OTHERWISE, THEN_OF, THEN_OF_FAMILY } from "../schemas/close_codes.js";
export function dutyAfter(code) {
    return THEN_OF[code] ?? THEN_OF_FAMILY[Math.floor(code / 100)] ?? OTHERWISE;
}
