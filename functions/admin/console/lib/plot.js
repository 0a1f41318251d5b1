/** Plots over time, each with a table of the same figures. */

import { date } from "./format.js";
import { html, useEffect, useRef } from "./html.js";
import { Table } from "./table.js";

/**
 * @typedef {object} Series
 * @property {string} label
 * @property {(number | null)[]} values
 * @property {"bar" | "line" | "dashed" | "band"} kind `band`: its area to the series before it is filled
 */

const HALF_DAY = 43_200;
const COLORS = ["--plot-1", "--plot-2", "--plot-3", "--plot-4", "--plot-5", "--plot-6"];
/** @type {Promise<any> | undefined} */
let library;

/** Load uPlot, a classic script, once. @returns {Promise<any>} */
function uPlot() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("../vendor/uplot.js", import.meta.url).href;
    script.onload = () => resolve(window.uPlot);
    script.onerror = () => {
      library = undefined;
      reject(new Error("The plot could not be loaded; the table has its figures."));
    };
    document.head.append(script);
  });
  return library;
}

/**
 * @param {{title: string, days: string[], series: Series[], unit: string, stacked?: boolean, summary: string}} props
 *   `days`: as 2026-11-30; `summary`: the plot in a sentence, for those who don't see it
 */
export function Plot({ title, days, series, unit, stacked = false, summary }) {
  const place = useRef(null);
  useEffect(() => {
    let plot = null;
    let isGone = false;
    const draw = async () => {
      const library = await uPlot().catch(() => null);
      if (isGone || !place.current || !library) return;
      plot?.destroy();
      place.current.replaceChildren();
      plot = drawn(library, place.current, days, series, unit, stacked);
    };
    draw();
    const resized = new ResizeObserver(() => plot?.setSize(sizeOf(place.current)));
    if (place.current) resized.observe(place.current);
    const theme = matchMedia("(prefers-color-scheme: dark)");
    theme.addEventListener("change", draw);
    return () => {
      isGone = true;
      theme.removeEventListener("change", draw);
      resized.disconnect();
      plot?.destroy();
    };
  }, [days, series]);
  const columns = [
    { label: "Day", value: (index) => days[index], show: (index) => date(days[index]) },
    ...series.map(({ label, values }) => ({
      label: `${label} (${unit})`,
      value: (index) => values[index] ?? null,
      isNumber: true,
    })),
  ];
  return html`<figure>
    <figcaption>${title}</figcaption>
    <div class="legend" aria-hidden="true">${series.map(({ label, kind }, index) => html`<span class=${`key k${index + 1} ${kind}`}>${label}</span>`)}</div>
    <div class="plot" ref=${place} role="img" aria-label=${`${title}: ${summary}`}></div>
    <details><summary>Show “${title}” as a table</summary>
      <${Table} caption=${title} columns=${columns} rows=${days.map((_, index) => index)} pageSize=${31} level=${4} />
    </details>
  </figure>`;
}

function sizeOf(place) {
  return { width: Math.max(240, place?.clientWidth ?? 600), height: 220 };
}

function drawn(library, place, days, series, unit, stacked) {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name).trim();
  const axis = { stroke: color("--muted"), grid: { stroke: color("--line") }, ticks: { stroke: color("--line") }, font: "12px system-ui, sans-serif" };
  const values = stacked ? heaped(series.map((one) => one.values)) : series.map((one) => one.values);
  // What is heaped up highest is drawn first, so that the others stand before it.
  const order = series.map((_, index) => index);
  if (stacked) order.reverse();
  const options = {
    ...sizeOf(place),
    legend: { show: false },
    cursor: { drag: { x: false, y: false } },
    scales: {
      x: { range: (_, first, last) => [first - HALF_DAY, last + HALF_DAY] },
      y: { range: (_, _low, high) => [0, high > 0 ? high * 1.08 : 1] },
    },
    axes: [axis, { ...axis, size: 64 }],
    tzDate: (seconds) => library.tzDate(new Date(seconds * 1000), "UTC"),
    series: [{}, ...order.map((index) => look(library, series[index], color(COLORS[index % COLORS.length])))],
    bands: series.flatMap(({ kind }, index) => (kind === "band" ? [{ series: [index + 1, index], fill: `${color(COLORS[index % COLORS.length])}33` }] : [])),
  };
  const seconds = days.map((day) => Date.parse(`${day}T00:00:00Z`) / 1000);
  return new library(options, [seconds, ...order.map((index) => values[index])], place);
}

function look(library, { label, kind }, color) {
  if (kind === "bar") return { label, stroke: color, fill: color, width: 0, paths: library.paths.bars({ size: [0.8, 60] }), points: { show: false } };
  return { label, stroke: color, width: kind === "band" ? 1 : 2, dash: kind === "line" ? undefined : [6, 4], points: { show: false } };
}

/** Return each series on top of those before it. @param {(number | null)[][]} all */
function heaped(all) {
  const below = all[0]?.map(() => 0) ?? [];
  return all.map((values) => values.map((value, index) => (below[index] += value ?? 0)));
}
