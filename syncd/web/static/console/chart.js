// One chart of figures over time, in the page's colours, in either scheme.

import uPlot from "../vendor/uplot.js";
import { html, useEffect, useRef, useState } from "../ui.js";

const HEIGHT = 150;
/** Steps of an axis that counts things: there is no half connection. */
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000, 1_000_000, 10_000_000];
const DARK = matchMedia("(prefers-color-scheme: dark)");

/**
 * @param series [{ name, label, color: a custom property of console.css, fill? }]
 * @param format a value as text
 * @param columns at_ms and one column for each name
 * @param minutes how far back it shows
 * @param whole whether it counts things
 */
export function Chart({ title, series, format, columns, minutes, whole = false }) {
  const room = useRef(null);
  const plot = useRef(null);
  const [scheme, setScheme] = useState(DARK.matches);
  useEffect(() => {
    const turn = () => setScheme(DARK.matches);
    DARK.addEventListener("change", turn);
    return () => DARK.removeEventListener("change", turn);
  }, []);
  useEffect(() => {
    const place = room.current;
    const made = new uPlot(options(place, series, format, whole), data(columns, series), place);
    plot.current = made;
    // In the next frame: what changes sizes while sizes are told of is told of again, and browsers complain.
    let frame = 0;
    const watching = new ResizeObserver(() => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => made.setSize({ width: place.clientWidth, height: HEIGHT }));
    });
    watching.observe(place);
    return () => { watching.disconnect(); cancelAnimationFrame(frame); made.destroy(); };
  }, [scheme]);
  useEffect(() => {
    const now_s = (columns.at_ms[columns.at_ms.length - 1] ?? Date.now()) / 1_000;
    plot.current.setData(data(columns, series), false);
    plot.current.setScale("x", { min: now_s - 60 * minutes, max: now_s });
  }, [columns, minutes, scheme]);
  const last = Object.fromEntries(series.map(({ name }) => [name, columns[name]?.[columns[name].length - 1] ?? null]));
  const told = series.map(({ name, label }) => `${label} ${format(last[name])}`).join(", ");
  return html`<figure class="card chart">
    <figcaption><span class="strong">${title}</span>
      <span class="keys">${series.map(({ name, label, color }) => html`<span class="key" key=${name}>
        <i class=${`dot ${color}`}></i>${label} <b class="numeric">${format(last[name])}</b></span>`)}</span>
    </figcaption>
    ${Object.values(last).every((value) => value === null) && html`<p class="chart-empty faint small">nothing to measure right now</p>`}
    <div class="plot" ref=${room} role="img" aria-label=${`${title}, last ${minutes} minutes: now ${told}`}></div>
  </figure>`;
}

function data(columns, series) {
  const times = columns.at_ms.map((at_ms) => at_ms / 1_000);
  return [times, ...series.map(({ name }) => columns[name] ?? times.map(() => null))];
}

function options(room, series, format, whole) {
  const style = getComputedStyle(room);
  const color = (name) => resolved(room, style.getPropertyValue(name));
  const axis = { stroke: color("--faint"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  return {
    width: room.clientWidth,
    height: HEIGHT,
    tzDate: (at_s) => uPlot.tzDate(new Date(at_s * 1_000), "Etc/UTC"),
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    padding: [8, 26, 0, 0],
    scales: { x: { time: true }, y: { range: (_, _low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [
      { ...axis, size: 26, space: 70, values: (_, ticks) => ticks.map((at_s) => new Date(at_s * 1_000).toISOString().slice(11, 19)) },
      { ...axis, size: 54, space: 34, ...(whole ? { incrs: WHOLE } : {}), values: (_, ticks) => ticks.map((value) => format(value)) },
    ],
    series: [{}, ...series.map((each) => ({
      label: each.label,
      stroke: color(`--${each.color}`),
      fill: each.fill ? color(`--${each.color}-wash`) : undefined,
      width: 1.5,
      points: { show: false },
    }))],
    plugins: [told(series, format)],
  };
}

/** A word beside the cursor: the time, and what the lines say there. */
function told(series, format) {
  const box = document.createElement("div");
  box.className = "chart-told";
  box.hidden = true;
  return {
    hooks: {
      init: (plot) => plot.over.append(box),
      setCursor: (plot) => {
        const { idx, left } = plot.cursor;
        const here = idx !== null && idx !== undefined && left >= 0;
        box.hidden = !here;
        if (!here) return;
        const lines = series.map(({ label }, n) => `${label} ${format(plot.data[n + 1][idx])}`);
        box.textContent = [new Date(plot.data[0][idx] * 1_000).toISOString().slice(11, 19), ...lines].join("\n");
        box.style.left = `${Math.min(left + 12, plot.over.clientWidth - box.offsetWidth)}px`;
      },
    },
  };
}

/** A colour as canvases understand it, whatever functions the style sheet made it with. */
function resolved(room, value) {
  const probe = document.createElement("span");
  probe.style.color = value;
  room.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}
