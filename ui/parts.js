// Small parts that the views share.
import { download, now } from "./api.js";
import { duration, nameOf, plural, relative, utc } from "./format.js";
import { html, useEffect, useState } from "./html.js";

const TONES = {
  Protected: "good",
  Protecting: "busy",
  Disabling: "busy",
  Drilling: "busy",
  Unprotected: "bad",
  Failed: "bad",
  Unknown: "bad",
  NotEligible: "warn",
  Frozen: "warn",
  SourceGone: "warn",
};
const SEVERITIES = { blocker: "bad", error: "bad", warning: "warn", note: "calm" };

/** A state, a severity or an outcome: the colour repeats what the word says. */
export const Badge = ({ tone, children }) => html`<span class="badge ${tone || "calm"}">${children}</span>`;
export const State = ({ vm }) => {
  const tone = vm.state === "Protected" && vm.compliant === false ? "warn" : TONES[vm.state];
  return html`<${Badge} tone=${tone}>${vm.state}<//>`;
};

/** The time of now, again every so many seconds. */
export function useNow(seconds = 10) {
  const [time, setTime] = useState(now());
  useEffect(() => {
    const timer = setInterval(() => setTime(now()), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  return time;
}

/** A time by its age; the time itself is its title. What is `due` at a time that has passed is due now. */
export function Time({ at, due }) {
  const time = useNow();
  if (!at) return null;
  return html`<time datetime=${at} title=${utc(at)}>${due && Date.parse(at) <= time ? "due now" : relative(at, time)}</time>`;
}

export const Section = ({ title, aside, children }) => html`
  <section class="panel">
    <div class="head"><h2>${title}</h2>${aside}</div>
    ${children}
  </section>`;

/** Names and values; what has no value is left out. */
export const Facts = ({ rows }) => html`
  <dl class="facts">
    ${rows
      .filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false)
      .map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;

/** The name of a resource; its ID is the title. */
export const Resource = ({ id }) => (id ? html`<span title=${id}>${nameOf(id)}</span>` : null);

/** A table with the given column titles; `rows` are arrays of cells, whose first names the row. */
export const Table = ({ label, titles, rows, numeric = [] }) => html`
  <div class="scroll" role="region" aria-label=${label} tabindex="0">
    <table>
      <thead><tr>${titles.map((title, at) => html`<th scope="col" class=${numeric.includes(at) ? "number" : ""}>${title}</th>`)}</tr></thead>
      <tbody>
        ${rows.map(
          ([first, ...cells]) => html`<tr>
            <th scope="row">${first}</th>
            ${cells.map((cell, at) => html`<td class=${numeric.includes(at + 1) ? "number" : ""} data-title=${titles[at + 1]}>${cell}</td>`)}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;

/** Derived settings, with the layer of each and the reason. */
export const Settings = ({ settings }) => html`<${Table}
  label="Settings" titles=${["Setting", "Value", "Set by", "Why"]}
  rows=${settings.map((setting) => [setting.name, html`<span title=${setting.value}>${setting.value.startsWith("/") ? nameOf(setting.value) : setting.value}</span>`, setting.origin, setting.reason])} />`;

export const Findings = ({ findings }) =>
  findings.length
    ? html`<ul class="findings">
        ${findings.map(
          ({ code, severity, message, fix, since }) => html`<li>
            <${Badge} tone=${SEVERITIES[severity]}>${severity}<//> <strong>${code}</strong>
            ${since && html` <small>since <${Time} at=${since} /></small>`}
            <p>${message}</p>
            ${fix && html`<p class="fix">${fix}</p>`}
          </li>`,
        )}
      </ul>`
    : html`<p class="quiet">No findings.</p>`;

const NOTICES = { 429: "Too many requests: the function app, or what is before it, takes no more for now.", 403: "Ask who manages this app for a role that allows it." };

/** What went wrong, as the API says it, and what is done about it. */
export function Problem({ error, retryAt, reload, stale }) {
  const time = useNow(1);
  if (error.status === 401) return null; // the page asks for another key
  return html`<div class="problem" role="alert">
    <p><strong>${error.title}${error.code ? ` (${error.code})` : ""}${error.status ? ` · ${error.status}` : ""}</strong></p>
    <p>${error.message}</p>
    ${NOTICES[error.status] && html`<p>${NOTICES[error.status]}</p>`}
    ${error.findings.length > 0 && html`<${Findings} findings=${error.findings} />`}
    ${error.errors.map((each) => html`<p><code>${each.field}</code>: ${each.given}; allowed: ${each.allowed}</p>`)}
    ${stale && html`<p>What is shown is older: <${Time} at=${new Date(stale).toISOString()} />.</p>`}
    ${retryAt && html`<p class="quiet">It is tried again ${retryAt > time ? `in ${duration((retryAt - time) / 1000)}` : "now"}.</p>`}
    ${reload && html`<p><button type="button" onClick=${reload}>Try again now</button></p>`}
  </div>`;
}

/** Without anything to show yet; says so if it takes long. */
export function Loading({ since, what = "Reading" }) {
  const time = useNow(1);
  const waited = since ? (time - since) / 1000 : 0;
  return html`<p class="quiet" role="status">${what} …${waited >= 3 ? ` no answer for ${duration(waited)}: the function app may be starting, or Azure is slow.` : ""}</p>`;
}

/** What could not be read. */
export const Gaps = ({ gaps, count = gaps.length }) =>
  gaps.length
    ? html`<div class="problem warn" role="status">
        <p><strong>${plural(count, "gap")}: not everything could be read, so the numbers here are too low.</strong></p>
        <ul>${gaps.map((gap) => html`<li>${gap}</li>`)}</ul>
      </div>`
    : null;

/** What it costs in a month. */
export const Cost = ({ cost }) => html`<strong>${cost.month.toFixed(2)} ${cost.currency} a month</strong>: instance ${cost.instance.toFixed(2)} (from day 32 on), disks ${cost.disks.toFixed(2)}, cache ${cost.cache.toFixed(2)}${cost.unpriced?.length > 0 && `; without a price: ${cost.unpriced.join(", ")}`}`;

/** Who asked for a change. */
export const callersOf = ({ askedBy }) => (askedBy || []).map(({ kind, via, id }) => `${kind}${id ? ` ${id}` : ""} by ${via}`).join(", ");

/** Buttons that save a file of the API each: title, path, name, and what makes another text of it, if something does. */
export function Saves({ files }) {
  const [state, setState] = useState({});
  const save = async ([, ...file]) => {
    setState({ busy: true });
    setState(await download(...file).then(() => ({}), (error) => ({ error })));
  };
  return html`${files.map((file) => html`<button type="button" disabled=${state.busy} onClick=${() => save(file)}>${file[0]}</button>`)}
    ${state.error && html`<${Problem} error=${state.error} />`}`;
}
