// Covers that nobody had to paint: a picture that is always the same for the same name, in the hue of its record.

import { html } from "../ui.js";
import { hueOf } from "./catalog.js";
import { chance } from "./synth.js";

const SIDE = 100; // of the picture's own grid
const PLAIN_PX_MAX = 48; // of a cover that may be colours only
const PAINTED_MAX = 500; // pictures kept, of about 2 KB each

const painted = new Map(); // what decides -> picture

/** Discs, arcs or waves; each of the three is drawn by numbers that follow from the name. */
function shapes(style, random) {
  if (style === "tide" || style === "place") {
    return [0, 1, 2, 3, 4].map((i) => {
      const y = 34 + i * 15 + random() * 6;
      const lift = 6 + random() * 11;
      return { d: `M-5 ${y} C 20 ${y - lift}, 35 ${y + lift}, 55 ${y} S 90 ${y - lift}, 105 ${y} V 105 H -5 Z`, light: 0.3 + i * 0.11, alpha: 0.55 };
    });
  }
  if (style === "beat" || style === "keys") {
    return Array.from({ length: 6 }, (_, i) => {
      const x = i * 17 + random() * 6;
      const top = 18 + random() * 55;
      return { d: `M${x} 105 V${top} a6.500 6.500 0 0 1 13 0 V105 Z`, light: 0.35 + random() * 0.45, alpha: 0.75 };
    });
  }
  return Array.from({ length: 5 }, () => {
    const [x, y, r] = [10 + random() * 80, 10 + random() * 80, 9 + random() * 24];
    return { d: `M${x - r} ${y} a${r} ${r} 0 1 0 ${2 * r} 0 a${r} ${r} 0 1 0 ${-2 * r} 0 Z`, light: 0.4 + random() * 0.45, alpha: 0.7 };
  });
}

/** The whole picture as an address that an image can have. */
function paint(name, hue, style) {
  const random = chance(name);
  const lift = 0.19 * Math.max(0, Math.cos(((hue - 70) * Math.PI) / 180)); // dark yellow is mud
  const drawn = shapes(style, random).map(({ d, light, alpha }, i) => `<path d="${d}" fill="oklch(${(light + lift).toFixed(2)} .13 ${(hue + i * 9) % 360})" opacity="${alpha}"/>`);
  const sun = `<circle cx="${25 + random() * 50}" cy="${17 + random() * 16}" r="13" fill="oklch(.88 .1 ${(hue + 60) % 360})"/>`;
  const sky = `<path d="M0 0h100v100H0z" fill="oklch(${(0.42 + lift).toFixed(2)} .12 ${hue})"/><path d="M0 0h100v60H0z" fill="oklch(${(0.55 + lift).toFixed(2)} .13 ${(hue + 25) % 360})" opacity=".6"/>`;
  return `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIDE} ${SIDE}">${sky}${sun}${drawn.join("")}</svg>`)}`;
}

/**
 * A square picture, in one element. Tracks of one record share its cover; a track without a record, of which a list that
 * scrolls may show thousands, has colours only: a browser needs milliseconds for each drawing that it has not seen.
 *
 * @param of - what decides: `{id, hue, style?, album?}`.
 */
export function Cover({ of, size }) {
  const { album, id, hue, style = "pluck" } = of;
  if (album === undefined && size <= PLAIN_PX_MAX) {
    return html`<span class="cover plain" style=${{ width: `${size}px`, height: `${size}px`, "--of": hue, "--at": `${hueOf(id) % 100}%` }} />`;
  }
  const name = album ?? id;
  const key = `${name} ${hue} ${style}`;
  let picture = painted.get(key);
  if (picture === undefined) {
    picture = paint(name, hue, style);
    if (painted.size >= PAINTED_MAX) painted.clear();
    painted.set(key, picture);
  }
  return html`<img class="cover" src=${picture} alt="" width=${size} height=${size} decoding="async" draggable=${false} />`;
}
