// The first view: would the VMs come up, what needs somebody, and what is under way.
import { useData } from "../data.js";
import { useEstate } from "../estate.js";
import { duration, nameOf, number, partsOf, plural } from "../format.js";
import { html, useMemo } from "../html.js";
import { Badge, Facts, Gaps, Loading, Problem, Section, Table, Time } from "../parts.js";
import { href, vmHref } from "../router.js";
import { Acknowledge } from "./actions.js";

const RUNS = 20; // that are shown: the others are counted

export function Overview() {
  const estate = useEstate();
  const causes = useMemo(() => causesOf(estate.rows || []), [estate.rows]);
  const regions = useMemo(() => regionsOf(estate.rows || []), [estate.rows]);
  const partial = !estate.at && estate.loading !== null;
  return html`
    <h1 class="hidden">Overview</h1>
    ${estate.error && html`<${Problem} ...${estate} stale=${estate.at} />`}
    ${!estate.rows && !estate.error && html`<${Loading} what="Reading the VMs" since=${estate.since} />`}
    ${estate.rows && html`<${Found} estate=${estate} causes=${causes} regions=${regions} partial=${partial} />`}
    <${UnderWay} />
  `;
}

/** What the report says, once a part of it is there. */
const Found = ({ estate, causes, regions, partial }) => html`
    <${Gaps} gaps=${estate.gaps} />
    ${partial && html`<p class="quiet" role="status">${number(estate.loading)} of ${plural(estate.summary.total, "VM")} read so far: the numbers below still grow.</p>`}
    <div class="cards">${estate.recoverable.map((loss) => html`<${Lost} key=${loss.region} loss=${loss} ...${regions.get(loss.region)} />`)}</div>
    <${NeedsYou} causes=${causes} partial=${partial} reload=${estate.reload} />
  `;

/** What the loss of a region would mean now, as the API has counted it. */
function Lost({ loss, targets, worst }) {
  const { region, total, recoverable, notRecoverable, unknown, cores } = loss;
  const reasons = (counts, answer) => Object.entries(counts).sort((one, other) => other[1] - one[1])
    .map(([why, count]) => html`<li><a href=${href(["vms"], { region, recoverable: answer, has: answer === "no" && why })}>${number(count)} ${why}</a></li>`);
  const down = sum(notRecoverable);
  const open = sum(unknown);
  return html`<${Section} title=${`If ${region} were lost now`}>
    <p class="figure"><a href=${href(["vms"], { region, recoverable: "yes" })}><strong>${number(recoverable)}</strong></a> of ${plural(total, "VM")} would come up${targets.length > 0 && ` in ${targets.join(", ")}`}</p>
    ${down > 0 && html`<div class="why"><${Badge} tone="bad">${number(down)} would not<//><ul>${reasons(notRecoverable, "no")}</ul></div>`}
    ${open > 0 && html`<div class="why"><${Badge} tone="warn">${number(open)} not known<//><ul>${reasons(unknown, "unknown")}</ul></div>`}
    <${Facts} rows=${[
      ["Worst RPO", loss.worstRpoSeconds != null ? html`${duration(loss.worstRpoSeconds)}${worst && html`, <a href=${vmHref(worst)}>${worst.name}</a>`}` : html`<span class="quiet">none is known</span>`],
      ...cores.map((quota) => [quota.quota, html`<${Quota} quota=${quota} />`]),
    ]} />
  <//>`;
}

/** Cores that are needed against those that are left. */
function Quota({ quota: { needed, reserved, limit, used, region, subscription } }) {
  const left = Math.max(0, limit - used);
  return html`<span title=${`Subscription ${subscription}`}>${number(needed)} cores needed, ${number(left)} of ${number(limit)} left in ${region}${reserved > 0 && `, ${number(reserved)} more reserved`}</span>
    ${needed > left && html` <${Badge} tone="bad">${number(needed - left)} too few<//>`}`;
}

function NeedsYou({ causes, partial, reload }) {
  const rows = causes.map((cause) => [
    html`<${Badge} tone=${cause.tone}>${cause.state}<//> <a href=${href(["vms"], { cause: cause.cause, state: cause.state })}>${cause.cause || "no finding"}</a>`,
    number(cause.count),
    html`<p>${cause.text}${cause.texts > 1 && html` <span class="quiet">(and ${plural(cause.texts - 1, "more text")} like it)</span>`}</p>
      ${cause.fix && html`<p class="fix">${cause.fix}</p>`}
      ${cause.known && html`<p class="quiet">Acknowledged${cause.known.until && html` until <${Time} at=${cause.known.until} due />`} ${cause.known.reason}</p>`}
      ${cause.vms.length > 0 && html`<${Acknowledge} cause=${cause.cause} vms=${cause.vms} done=${reload} />`}`,
    cause.since ? html`<${Time} at=${cause.since} />` : html`<span class="quiet">not known</span>`,
    cause.next ? html`<${Time} at=${cause.next} due />` : cause.acts ? "next sweep" : html`<span class="quiet">after a fix</span>`,
  ]);
  return html`<${Section} title="Needs you" aside=${html`<span class="quiet">one row for each cause</span>`}>
    ${rows.length
      ? html`<${Table} label="Causes" titles=${["Cause", "VMs", "Why, and what to do", "Since", "Next try"]} rows=${rows} numeric=${[1]} />`
      : html`<p class="quiet">${partial ? "Nothing among the VMs that were read so far." : "Nothing: every tagged VM is as it should be, or on its way."}</p>`}
  <//>`;
}

function UnderWay() {
  const runs = useData(`runs?top=${RUNS}`, 10);
  const { data } = runs;
  const total = data ? sum(data.counts) : 0;
  const rows = (data?.value || []).map((run) => [
    run.vmId ? html`<a href=${vmHref(partsOf(run.vmId))}>${nameOf(run.vmId)}</a>` : html`<span title=${run.instanceId}>${run.kind === "batch" ? plural(run.total || 0, "VM") : run.instanceId}</span>`,
    run.kind,
    html`${run.step || run.state}${run.percent != null && html` <progress max="100" value=${run.percent} aria-label=${`${run.percent} %`}></progress> ${run.percent} %`}
      ${run.lastError && html`<p class="fix">${run.lastError.code}: ${run.lastError.message}</p>`}`,
    html`<${Time} at=${run.since} />`,
    html`<${Time} at=${run.resumeAt} due />`,
  ]);
  return html`<${Section} title="Under way" aside=${data && html`<span class="quiet">as of <${Time} at=${data.at} /></span>`}>
    ${runs.error && html`<${Problem} ...${runs} stale=${data && runs.at} />`}
    ${data && html`<${Gaps} gaps=${data.gaps} />`}
    ${!data && !runs.error && html`<${Loading} since=${runs.since} />`}
    ${data && (rows.length
      ? html`<${Table} label="Runs" titles=${["What", "Kind", "Step", "Began", "Goes on"]} rows=${rows} />`
      : html`<p class="quiet">Nothing.</p>`)}
    ${total > rows.length && html`<p class="quiet">${number(total - rows.length)} more.</p>`}
  <//>`;
}

/** One for each cause and state of VMs that are not as they should be, those that nobody but a person changes first. */
function causesOf(rows) {
  const causes = new Map();
  for (const row of rows) {
    if (!row.reason || (!row.cause && ["Protecting", "Disabling"].includes(row.state))) continue; // its run goes on
    const id = `${row.cause}\n${row.state}`;
    const known = causes.get(id) || { cause: row.cause, state: row.state, count: 0, fix: row.reason.fix, text: row.reason.text, every: new Set(), vms: [] };
    known.count += 1;
    known.every.add(row.reason.text);
    known.since = earliest(known.since, row.reason.since);
    known.next = earliest(known.next, row.reason.nextTry);
    known.acts ||= row.action !== "none";
    if (row.findings.some(({ code }) => code === row.cause)) known.vms.push(row.vmId);
    known.known ||= row.acknowledged?.find(({ cause }) => cause === row.cause);
    causes.set(id, known);
  }
  return [...causes.values()]
    .map(({ every, ...cause }) => ({ ...cause, texts: every.size, tone: cause.acts ? "warn" : "bad" }))
    .sort((one, other) => Number(Boolean(one.acts)) - Number(Boolean(other.acts)) || other.count - one.count);
}

const earliest = (one, other) => (one && other ? (one < other ? one : other) : one || other);

const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);

/** By region: where its VMs go to, and the one whose newest recovery point is the oldest of those that would come up. */
function regionsOf(rows) {
  const regions = new Map();
  for (const row of rows) {
    const known = regions.get(row.region) || { targets: [], worst: null };
    if (row.targetRegion && !known.targets.includes(row.targetRegion)) known.targets.push(row.targetRegion);
    if (row.recoverable === "yes" && row.rpoSeconds != null && !(known.worst?.rpoSeconds >= row.rpoSeconds)) known.worst = row;
    regions.set(row.region, known);
  }
  return regions;
}
