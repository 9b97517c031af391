// A chart over time by uPlot, which draws a missing value as a gap; the numbers are in a table beside it.
import { duration, utc } from "./format.js";
import { html, useEffect, useRef } from "./html.js";
import { Table } from "./parts.js";

const HEIGHT = 200;
const STEPS = [10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800];

/** Durations over time. `points` are in the order of time, `series` are their titles, members (in seconds, or null) and dashes. */
export function Chart({ label, points, series }) {
  const box = useRef();
  useEffect(() => {
    let left = false;
    let remove = () => {};
    // Loaded by the first chart: no other view waits for it.
    import("./vendor/uplot.mjs").then(
      ({ uPlot }) => left || (remove = shown(uPlot, box.current, points, series)),
      () => left || (box.current.textContent = "The chart could not be loaded: the numbers are below."),
    );
    return () => {
      left = true;
      remove();
    };
  }, [points]);
  return html`
    <div ref=${box} class="chart" role="img" aria-label=${`${label}: the numbers are in the table below`}></div>
    <details><summary>The numbers</summary><${Table} label=${label} titles=${["When", ...series.map(([title]) => title)]}
      rows=${points.map((point) => [html`<time datetime=${point.at}>${utc(point.at)}</time>`, ...series.map(([, member]) => (point[member] == null ? "not known" : duration(point[member])))])} /></details>`;
}

/** Draws the chart, and draws it again for another width or scheme. Returns what removes it. */
function shown(uPlot, element, points, series) {
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const data = [points.map(({ at }) => Date.parse(at) / 1000), ...series.map(([, member]) => points.map((point) => point[member] ?? null))];
  let plot;
  const draw = () => {
    plot?.destroy();
    plot = new uPlot(optionsOf(uPlot, element, series), data, element);
  };
  const resize = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
  draw();
  resize.observe(element);
  scheme.addEventListener("change", draw);
  return () => {
    resize.disconnect();
    scheme.removeEventListener("change", draw);
    plot.destroy();
  };
}

function optionsOf(uPlot, element, series) {
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    select: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    scales: { y: { range: (_plot, _low, high) => [0, (high || 60) * 1.1] } },
    series: [{}, ...series.map(([, , dash]) => ({ stroke: colour(dash ? "--quiet" : "--link"), width: 2, dash, points: { show: true, size: 5 } }))],
    axes: [{ ...axis, values: (_plot, values) => values.map(dayOrTime) }, { ...axis, size: 76, incrs: STEPS, values: (_plot, values) => values.map(duration) }],
  };
}

/** 11-30 of a midnight, else 14:30. */
function dayOrTime(seconds) {
  const text = new Date(seconds * 1000).toISOString();
  return text.includes("T00:00") ? text.slice(5, 10) : text.slice(11, 16);
}
