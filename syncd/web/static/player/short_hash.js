// Names made from something else. `crypto.subtle` is missing where a page comes over plain http from another machine.

import { sha256Head } from "../sdk/model/sha256.js";

/** The first 64 bits of a text's SHA-256, as 16 hex digits. */
export const shortHash = (text) => Array.from(sha256Head(text), (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
