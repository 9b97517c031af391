// The report of a period: how well each VM was protected, as the archive shows it; as a table, a file, and a page to print.
import { useData } from "../data.js";
import { duration, nameOf, number, partsOf, plural, utc } from "../format.js";
import { html } from "../html.js";
import { Badge, callersOf, Facts, Gaps, Loading, Problem, Saves, Section, Table, Time } from "../parts.js";
import { href, replace, vmHref } from "../router.js";

const FILTERS = "from to resourceGroup tag".split(" ");
const share = (value) => (value == null ? "not known" : `${(value * 100).toFixed(2)} %`);
const rpoOf = ({ p50Minutes, worstSeconds, overLimitSeconds }) =>
  p50Minutes == null ? "not known" : `half the time ${p50Minutes} min at most, worst ${duration(worstSeconds)}${overLimitSeconds ? `, over its limit for ${duration(overLimitSeconds)}` : ""}`;
const durations = (every) => (every || []).map(({ what, seconds }) => html`<p>${what || "without a reason"}: ${duration(seconds)}</p>`);

export function Reports({ query }) {
  const given = Object.fromEntries(FILTERS.filter((name) => query[name]).map((name) => [name, query[name]]));
  const change = (more) => replace(["reports"], { ...given, ...more });
  const file = (format) => `report?${new URLSearchParams({ format, ...given })}`;
  return html`
    <h1>Report</h1>
    <form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
      <label>From <input type="date" value=${given.from || ""} onChange=${(event) => change({ from: event.target.value })} /></label>
      <label>To <input type="date" value=${given.to || ""} onChange=${(event) => change({ to: event.target.value })} /></label>
      <label>Resource group <input type="search" value=${given.resourceGroup || ""} onChange=${(event) => change({ resourceGroup: event.target.value.trim() })} /></label>
      <label>Tag of the app <input type="search" value=${given.tag || ""} placeholder="name or name=value" onChange=${(event) => change({ tag: event.target.value.trim() })} /></label>
      <${Saves} files=${[["CSV", file("csv"), "report.csv"], ["Page to print", file("html"), "report.html"]]} />
    </form>
    <${Shown} key=${JSON.stringify(query)} path=${`report?${new URLSearchParams({ ...given, top: 100, ...(query.after && { after: query.after }) })}`} given=${given} />
  `;
}

function Shown({ path, given }) {
  const report = useData(path);
  const { data } = report;
  if (!data) return report.error ? html`<${Problem} ...${report} />` : html`<${Loading} since=${report.since} what="Reading the archive" />`;
  const { summary } = data;
  const after = data.nextLink && new URLSearchParams(data.nextLink.split("?")[1]).get("after");
  return html`
    ${data.notes.map((note) => html`<div class="problem warn" role="status">${note}</div>`)}
    <${Gaps} gaps=${data.unread} />
    <${Section} title=${`${data.first} to ${data.last}`} aside=${html`<span class="quiet">days in UTC, both included</span>`}>
      <${Facts} rows=${[
        ["VMs", number(summary.virtualMachines)],
        ["Time compliant", html`${share(summary.compliantShare)} <span class="quiet">of the time in which they were to be protected; what is not known does not count as compliant</span>`],
        ["RPO", rpoOf(summary.rpo)],
        ["Over their limit at some time", plural(summary.overRpoLimit, "VM")],
        ["Last drill", `${number(summary.drilled)} passed, ${number(summary.drillFailed)} did not, ${number(summary.neverDrilled)} were never drilled`],
        ["With exceptions", plural(summary.withExceptions, "VM")],
        ["Time that sweeps speak for", share(data.coveredShare)],
        ["Days without data", data.daysWithoutData.length > 0 && `${plural(data.daysWithoutData.length, "gap")}: ${data.daysWithoutData.join(", ")}`],
      ]} />
    <//>
    ${data.value.length ? html`<${Table} label="VMs" titles=${["VM", "State", "Protected since", "Time compliant", "RPO", "Last drill", "Exceptions", "Not as it should be", "Last change"]} rows=${data.value.map(rowOf)} />` : html`<p class="quiet">No VM.</p>`}
    ${after && html`<p><a href=${href(["reports"], { ...given, after })}>The next VMs</a></p>`}
  `;
}

function rowOf(vm) {
  const { lastDrill, changes } = vm;
  const last = changes?.at(-1);
  return [
    html`<a href=${vmHref(partsOf(vm.vmId))} title=${vm.vmId}>${nameOf(vm.vmId)}</a>`,
    vm.state,
    vm.protectedSince ? utc(vm.protectedSince) : "",
    html`${share(vm.compliantShare)}${vm.seconds.unknown > 0 && html` <span class="quiet">${duration(vm.seconds.unknown)} not known</span>`}`,
    rpoOf(vm.rpo),
    lastDrill
      ? html`<${Badge} tone=${lastDrill.result === "passed" ? "good" : "bad"}>${lastDrill.result}<//> <${Time} at=${lastDrill.endedAt} />${lastDrill.rtoSeconds != null && `, RTO ${duration(lastDrill.rtoSeconds)}`}`
      : "never",
    durations(vm.exceptions),
    durations(vm.findings),
    last && html`${last.outcome}, <${Time} at=${last.at} />${last.askedBy?.length > 0 && `, ${callersOf(last)}`}${vm.changesLeftOut + changes.length > 1 && html` <span class="quiet">of ${number(vm.changesLeftOut + changes.length)}</span>`}`,
  ];
}
