// Every VM: filtered and sorted by the address, of which only the rows in sight are in the document.
import { now } from "../api.js";
import { useEstate } from "../estate.js";
import { duration, number, plural } from "../format.js";
import { html, useEffect, useMemo, useRef, useState } from "../html.js";
import { Gaps, Loading, Problem, Saves, State, Time } from "../parts.js";
import { replace, vmHref } from "../router.js";
import { DrillMany } from "./drills.js";

const COLUMNS = [
  { id: "name", title: "VM", of: (row) => row.name, cell: (row) => html`<a href=${vmHref(row)} title=${row.vmId}>${row.name}</a>` },
  { id: "state", title: "State", of: (row) => row.state, cell: (row) => html`<${State} vm=${row} />${row.percent != null && row.state !== "Protected" ? ` ${row.percent} %` : ""}` },
  { id: "cause", title: "Cause", of: (row) => row.cause, cell: (row) => html`<span title=${row.reason?.text}>${row.cause || row.reason?.text}</span>` },
  { id: "group", title: "Resource group", of: (row) => row.group },
  { id: "region", title: "Region", of: (row) => row.region, cell: (row) => `${row.region}${row.targetRegion ? ` → ${row.targetRegion}` : ""}` },
  { id: "rpo", title: "RPO", numeric: true, of: (row) => row.rpoSeconds ?? -1, cell: (row) => (row.rpoSeconds == null ? "" : duration(row.rpoSeconds)) },
  { id: "health", title: "Health", of: (row) => row.replicationHealth },
  { id: "subscription", title: "Subscription", of: (row) => row.subscription, cell: (row) => html`<span title=${row.subscription}>${row.subscription.slice(0, 8)}</span>` },
];
const ROW = 36; // pixels, as style.css has it
const DAYS = 7; // of the report, today included
const SPARE = 8; // rows above and below those in sight
const FILTERS = ["state", "cause", "region", "group", "recoverable"];
const collator = new Intl.Collator("en", { numeric: true });

export function Estate({ query }) {
  const estate = useEstate();
  const rows = estate.rows || [];
  const chosen = useMemo(() => sorted(rows.filter(filterOf(query)), query.sort), [rows, JSON.stringify(query)]);
  const change = (more) => replace(["vms"], { ...query, ...more });
  return html`
    <div class="head"><h1>VMs</h1>${estate.at && html`<span class="quiet">Azure was read <${Time} at=${estate.readAt} />${estate.loading !== null && ", and is read again now"}</span>`}</div>
    ${estate.error && html`<${Problem} ...${estate} stale=${estate.at} />`}
    ${!estate.rows && !estate.error && html`<${Loading} what="Reading the VMs" since=${estate.since} />`}
    ${estate.rows && html`
      <${Gaps} gaps=${estate.gaps} />
      <${Filters} rows=${rows} query=${query} change=${change} />
      <div class="count"><span role="status">${plural(chosen.length, "VM")}${chosen.length === rows.length ? "" : ` of ${number(rows.length)}`}${!estate.at && estate.loading !== null ? `; ${number(estate.loading)} of ${number(estate.summary.total)} read so far` : ""}</span>
        <${Files} query=${query} rows=${chosen} />${chosen.length > 0 && html`<${DrillMany} rows=${chosen} />`}</div>
      <${Rows} rows=${chosen} sort=${query.sort || ""} change=${change} />`}
  `;
}

function Filters({ rows, query, change }) {
  const values = useMemo(() => Object.fromEntries(FILTERS.map((name) => [name, [...new Set(rows.map((row) => row[name]))].filter(Boolean).sort(collator.compare)])), [rows]);
  const titles = { state: "State", cause: "Cause", region: "Region", group: "Group", recoverable: "Would come up" };
  return html`<form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
    <label>Search <input type="search" value=${query.q || ""} placeholder="name, group, cause" onInput=${(event) => change({ q: event.target.value })} /></label>
    ${FILTERS.map((name) => html`<label>${titles[name]}
      <select value=${query[name] || ""} onChange=${(event) => change({ [name]: event.target.value })}>
        <option value="">all</option>
        ${[...new Set([...values[name], query[name]])].filter(Boolean).map((value) => html`<option value=${value}>${value.slice(0, 80)}</option>`)}
      </select></label>`)}
    ${query.has && html`<p class="quiet">With <strong>${query.has}</strong></p>`}
    ${Object.keys(query).some((name) => name !== "sort") && html`<button type="button" class="plain" onClick=${() => replace(["vms"], { sort: query.sort })}>Clear</button>`}
  </form>`;
}

/** The API's own files: the rows that are shown, and the report of all VMs. */
function Files({ query, rows }) {
  const given = Object.entries({ state: query.state, region: query.region, resourceGroup: query.group }).filter(([, value]) => value);
  const from = new Date(now() - (DAYS - 1) * 86_400_000).toISOString().slice(0, 10);
  const narrowed = ["q", "cause", "recoverable", "has"].some((name) => query[name]);
  return html`<${Saves} files=${[
    ["CSV", `compliance?${new URLSearchParams([["format", "csv"], ...given])}`, "compliance.csv", narrowed && only(rows)],
    [`Report of the last ${DAYS} days`, `report?format=html&from=${from}`, "report.html"],
  ]} />`;
}

/** Of a file of the API those records whose first cell is the ID of one of the rows: the API has fewer filters. */
const only = (rows) => (text) => {
  const ids = new Set(rows.map(({ vmId }) => vmId.toLowerCase()));
  const records = text.match(/(?:"(?:[^"]|"")*"|[^"\n])+\n?/g) || [];
  return records.filter((record, at) => !at || ids.has(record.split('"')[1].toLowerCase())).join("");
};

function Rows({ rows, sort, change }) {
  const box = useRef();
  const [first, setFirst] = useState(0);
  const [height, setHeight] = useState(800);
  const [printing, setPrinting] = useState(false);
  useEffect(() => {
    const measure = () => setHeight(box.current.clientHeight);
    const before = () => setPrinting(true);
    const after = () => setPrinting(false);
    measure();
    const all = [["resize", measure], ["beforeprint", before], ["afterprint", after]];
    all.forEach(([name, handler]) => window.addEventListener(name, handler));
    return () => all.forEach(([name, handler]) => window.removeEventListener(name, handler));
  }, []);
  const from = printing ? 0 : Math.max(0, Math.min(first, rows.length - Math.ceil(height / ROW)) - SPARE);
  const to = printing ? rows.length : Math.min(rows.length, from + Math.ceil(height / ROW) + 2 * SPARE);
  const sortBy = (id) => change({ sort: sort === id ? `-${id}` : id });
  return html`<div class="scroll estate" ref=${box} role="region" aria-label="VMs" tabindex="0" onScroll=${(event) => setFirst(Math.floor(event.currentTarget.scrollTop / ROW))}>
    <table aria-rowcount=${rows.length + 1}>
      <thead><tr aria-rowindex="1">${COLUMNS.map(
        ({ id, title, numeric }) => html`<th scope="col" class=${`${id}${numeric ? " number" : ""}`} aria-sort=${sort === id ? "ascending" : sort === `-${id}` ? "descending" : "none"}>
          <button type="button" class="plain" onClick=${() => sortBy(id)}>${title}<span aria-hidden="true">${sort === id ? " ↑" : sort === `-${id}` ? " ↓" : ""}</span></button></th>`,
      )}</tr></thead>
      <tbody>
        ${from > 0 && html`<tr aria-hidden="true" key="above"><td colspan=${COLUMNS.length} class="space" style=${{ height: `${from * ROW}px` }}></td></tr>`}
        ${rows.slice(from, to).map(
          (row, at) => html`<tr key=${row.vmId} aria-rowindex=${from + at + 2}>${COLUMNS.map(({ id, of, cell, numeric }, column) =>
            column ? html`<td class=${`${id}${numeric ? " number" : ""}`}>${cell ? cell(row) : of(row)}</td>` : html`<th scope="row" class=${id}>${cell(row)}</th>`,
          )}</tr>`,
        )}
        ${to < rows.length && html`<tr aria-hidden="true" key="below"><td colspan=${COLUMNS.length} class="space" style=${{ height: `${(rows.length - to) * ROW}px` }}></td></tr>`}
      </tbody>
    </table>
  </div>`;
}

function filterOf(query) {
  const words = (query.q || "").toLowerCase().split(/\s+/).filter(Boolean);
  const exact = FILTERS.filter((name) => query[name]);
  const has = (row) => !query.has || row.state === query.has || row.findings.some(({ code }) => code === query.has);
  return (row) => has(row) && exact.every((name) => row[name] === query[name]) && words.every((word) => row.text.includes(word));
}

function sorted(rows, sort) {
  if (!sort) return rows;
  const { of } = COLUMNS.find(({ id }) => id === sort.replace("-", "")) || COLUMNS[0];
  const sign = sort.startsWith("-") ? -1 : 1;
  const compare = (one, other) => (typeof one === "number" ? one - other : collator.compare(one, other));
  return [...rows].sort((one, other) => sign * compare(of(one), of(other)));
}
