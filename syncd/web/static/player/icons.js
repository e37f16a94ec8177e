// The signs on buttons, drawn for a grid of 24. They say nothing to a screen reader: their buttons do.

import { html } from "../ui.js";

const SHAPES = {
  play: "M8 5.2v13.6a1 1 0 0 0 1.5.86l11-6.8a1 1 0 0 0 0-1.72l-11-6.8A1 1 0 0 0 8 5.2z",
  pause: "M7 4h3.5v16H7zM13.5 4H17v16h-3.5z",
  next: "M5 5.3v13.4a.8.8 0 0 0 1.24.67L16 12.9V19h2.5V5H16v6.1L6.24 4.63A.8.8 0 0 0 5 5.3z",
  previous: "M19 5.3v13.4a.8.8 0 0 1-1.24.67L8 12.9V19H5.5V5H8v6.1l9.76-6.47A.8.8 0 0 1 19 5.3z",
  heart: "M12 20.3 4.6 13a5 5 0 0 1 7.1-7l.3.3.3-.3a5 5 0 0 1 7.1 7z",
  more: "M6 10.3a1.7 1.7 0 1 1 0 3.4 1.7 1.7 0 0 1 0-3.4zm6 0a1.7 1.7 0 1 1 0 3.4 1.7 1.7 0 0 1 0-3.4zm6 0a1.7 1.7 0 1 1 0 3.4 1.7 1.7 0 0 1 0-3.4z",
  grip: "M9 5.5a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3zm6 0a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3zm-6 5a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3zm6 0a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3zm-6 5a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3zm6 0a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3z",
};
const LINES = {
  home: "M4 11.5 12 4.5l8 7M6.5 10v9.5h11V10",
  queue: "M4 6h16M4 11h10M4 16h8M17 13v6.5M17 13.5l3.5-1",
  history: "M4.5 12a7.5 7.5 0 1 0 2.4-5.5M4.5 4.5v3.4h3.4M12 8v4.4l3 1.8",
  devices: "M3.5 6h12v8.5h-12zM2 18h9M14 10.5h7v9.5h-7zM17.5 17.4v.1",
  settings: "M5 7h9M18 7h1M5 17h1M10 17h9M16 9.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4zM8 19.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4z",
  library: "M5 4.5v15M9.5 4.5v15M14 5l4.5 14",
  heartLine: "M12 20.3 4.6 13a5 5 0 0 1 7.1-7l.3.3.3-.3a5 5 0 0 1 7.1 7z",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6 6 18",
  down: "M6 9.5l6 6 6-6",
  volume: "M4 9.5v5h3.5L12 19V5L7.5 9.5zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11",
  shuffle: "M3.5 7h3.2c3.8 0 5.6 10 9.8 10h4M17.5 14l3 3-3 3M3.5 17h3.2c1.5 0 2.7-1.6 3.7-3.6M13 8.8c1-1.1 2.1-1.8 3.5-1.8h4M17.5 4l3 3-3 3",
  repeat: "M4 11.5V10a3 3 0 0 1 3-3h12M16 4l3 3-3 3M20 12.5V14a3 3 0 0 1-3 3H5M8 20l-3-3 3-3",
  moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  file: "M7 3.5h7l4 4v13H7zM14 3.5v4h4M10.5 17.5a1.5 1.5 0 1 0 0-.1V12l4-.8",
  pencil: "M5 19l1-4L16 5l3 3L9 18zM14 7l3 3",
  bin: "M5 7h14M10 4h4M7 7l.8 12.5h8.4L17 7M10.3 11v5M13.7 11v5",
  link: "M10 14.5l4-5M8.5 11 6 13.5a3.5 3.5 0 0 0 5 5L13 16M11 8l2-2.5a3.5 3.5 0 0 1 5 5L15.500 13",
  out: "M10 4.500H5.500v15H10M14 8l4 4-4 4M18 12H9.500",
};

/** A sign. `size` in CSS pixels. */
export function Icon({ name, size = 22 }) {
  const solid = SHAPES[name];
  return html`<svg class="icon" width=${size} height=${size} viewBox="0 0 24 24" aria-hidden="true" focusable="false"
    fill=${solid ? "currentColor" : "none"} stroke=${solid ? "none" : "currentColor"} stroke-width="1.8"
    stroke-linecap="round" stroke-linejoin="round"><path d=${solid ?? LINES[name]} /></svg>`;
}
