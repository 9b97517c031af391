// The first view: would the VMs come up, what needs somebody, and what is under way.
import { useData } from "../data.js";
import { useEstate } from "../estate.js";
import { duration, nameOf, number, partsOf, plural } from "../format.js";
import { html, useMemo } from "../html.js";
import { Badge, Gaps, Loading, Problem, Section, State, Table, Time } from "../parts.js";
import { href, vmHref } from "../router.js";

const RUNS = 20; // that are shown: the others are counted

export function Overview() {
  const estate = useEstate();
  const causes = useMemo(() => causesOf(estate.rows || []), [estate.rows]);
  const regions = useMemo(() => regionsOf(estate.rows || []), [estate.rows]);
  if (!estate.rows) {
    return estate.error ? html`<${Problem} error=${estate.error} retryAt=${estate.retryAt} reload=${estate.reload} />` : html`<${Loading} what="Reading the VMs" since=${estate.since} />`;
  }
  const partial = !estate.at && estate.loading !== null;
  return html`
    <h1 class="hidden">Overview</h1>
    ${estate.error && html`<${Problem} error=${estate.error} retryAt=${estate.retryAt} reload=${estate.reload} stale=${estate.at} />`}
    <${Gaps} gaps=${estate.gaps} />
    ${partial && html`<p class="quiet" role="status">${number(estate.loading)} of ${plural(estate.summary.total, "VM")} read so far: the numbers below still grow.</p>`}
    <div class="cards">${regions.map((region) => html`<${Region} key=${region.name} ...${region} />`)}</div>
    <${NeedsYou} causes=${causes} partial=${partial} />
    <${UnderWay} />
  `;
}

/** What a region's VMs are protected to. */
function Region({ name, required, compliant, states, worst, targets }) {
  return html`<${Section} title=${`VMs in ${name || "an unknown region"}`}>
    <p class="figure"><strong>${number(compliant)}</strong> of ${plural(required, "tagged VM")} replicate${required === 1 ? "s" : ""} as asked${targets.length > 0 && ` to ${targets.join(", ")}`}</p>
    <ul class="states">
      ${states.map(([state, count]) => html`<li><a href=${href(["vms"], { state, region: name })}><${State} vm=${{ state }} /> ${number(count)}</a></li>`)}
    </ul>
    <p class="quiet">Worst RPO: ${worst ? html`<a href=${vmHref(worst)}>${duration(worst.rpoSeconds)}, ${worst.name}</a>` : "none is known yet"}</p>
  <//>`;
}

function NeedsYou({ causes, partial }) {
  const rows = causes.map((cause) => [
    html`<${Badge} tone=${cause.tone}>${cause.state}<//> <a href=${href(["vms"], { cause: cause.cause, state: cause.state })}>${cause.cause || "no finding"}</a>`,
    number(cause.count),
    html`<p>${cause.text}${cause.texts > 1 && html` <span class="quiet">(and ${plural(cause.texts - 1, "more text")} like it)</span>`}</p>
      ${cause.fix && html`<p class="fix">${cause.fix}</p>`}`,
    cause.since ? html`<${Time} at=${cause.since} />` : html`<span class="quiet">not known</span>`,
    cause.next ? html`<${Time} at=${cause.next} due />` : cause.acts ? "next sweep" : html`<span class="quiet">when somebody acts</span>`,
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
  const total = data ? Object.values(data.counts).reduce((sum, count) => sum + count, 0) : 0;
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
    if (!row.reason || (!row.cause && row.action !== "none")) continue; // a run goes on by itself
    const id = `${row.cause}\n${row.state}`;
    const known = causes.get(id) || { cause: row.cause, state: row.state, count: 0, fix: row.reason.fix, text: row.reason.text, every: new Set() };
    known.count += 1;
    known.every.add(row.reason.text);
    known.since = earliest(known.since, row.reason.since);
    known.next = earliest(known.next, row.reason.nextTry);
    known.acts ||= row.action !== "none";
    causes.set(id, known);
  }
  return [...causes.values()]
    .map(({ every, ...cause }) => ({ ...cause, texts: every.size, tone: cause.acts ? "warn" : "bad" }))
    .sort((one, other) => Number(Boolean(one.acts)) - Number(Boolean(other.acts)) || other.count - one.count);
}

const earliest = (one, other) => (one && other ? (one < other ? one : other) : one || other);

function regionsOf(rows) {
  const regions = new Map();
  for (const row of rows) {
    const known = regions.get(row.region) || { name: row.region, required: 0, compliant: 0, states: new Map(), worst: null, targets: new Set() };
    if (row.reason || row.compliant) known.required += 1;
    known.compliant += row.compliant;
    known.states.set(row.state, (known.states.get(row.state) || 0) + 1);
    if (row.targetRegion) known.targets.add(row.targetRegion);
    if (row.rpoSeconds != null && !(known.worst?.rpoSeconds >= row.rpoSeconds)) known.worst = row;
    regions.set(row.region, known);
  }
  return [...regions.values()]
    .map((region) => ({ ...region, states: [...region.states].sort((a, b) => b[1] - a[1]), targets: [...region.targets].sort() }))
    .sort((one, other) => other.required - one.required);
}
