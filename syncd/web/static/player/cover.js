// Covers that nobody had to paint: a picture that is always the same for the same name, in the hue of its record.

import { html, useMemo } from "../ui.js";
import { chance } from "./synth.js";

const SIDE = 100; // of the picture's own grid

/** Discs, arcs or waves; each of the three is drawn by numbers that follow from the name. */
function shapes(name, style, random) {
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

/**
 * A square picture.
 *
 * @param of - what decides: `{id, hue, style?}`; tracks of one record share its cover.
 */
export function Cover({ of, size, label }) {
  const { album, id, hue, style = "pluck" } = of;
  const name = album ?? id;
  const drawn = useMemo(() => shapes(name, style, chance(name)), [name, style]);
  const sun = useMemo(() => chance(`${name} sun`), [name]);
  const [x, y] = useMemo(() => [25 + sun() * 50, 22 + sun() * 26], [name]);
  return html`<svg class="cover" viewBox="0 0 ${SIDE} ${SIDE}" width=${size} height=${size} role=${label ? "img" : undefined}
    aria-label=${label} aria-hidden=${label ? undefined : "true"} focusable="false">
    <rect width=${SIDE} height=${SIDE} fill=${`oklch(0.42 0.11 ${hue})`} />
    <rect width=${SIDE} height="60" fill=${`oklch(0.55 0.13 ${(hue + 25) % 360})`} opacity="0.6" />
    <circle cx=${x} cy=${y} r="13" fill=${`oklch(0.88 0.1 ${(hue + 60) % 360})`} />
    ${drawn.map(({ d, light, alpha }, i) => html`<path key=${i} d=${d} fill=${`oklch(${light} 0.13 ${(hue + i * 9) % 360})`} opacity=${alpha} />`)}
  </svg>`;
}
