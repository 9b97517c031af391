// Drills: of a VM, with its steps and the evidence of the last one; of many, what is under way, the batches, and a new one.
import { useData } from "../data.js";
import { duration, nameOf, number, partsOf, plural, utc } from "../format.js";
import { html, useState } from "../html.js";
import { Badge, Facts, Findings, Gaps, Loading, Problem, Resource, Section, Table, Time } from "../parts.js";
import { href, vmHref } from "../router.js";
import { Accepted, Confirmed, Dialog, usePlan, useRequest } from "./actions.js";

const TONES = { Passed: "good", Failed: "bad", Refused: "warn", Cancelled: "warn", Interrupted: "warn", Running: "busy" };
const FAST = 5; // seconds between two reads while a drill is open
const SLOW = 60;

/** How a drill ended, or that it has not. */
const Outcome = ({ outcome }) => html`<${Badge} tone=${TONES[outcome]}>${outcome}<//>`;

/** `points` are the recovery points that are listed, the newest first. */
export function Drill({ path, name, points }) {
  const drill = useData(path, (data) => (data.running || data.drill ? FAST : SLOW));
  const none = drill.error?.code === "NoDrill";
  const data = none ? null : drill.data;
  const open = data && (data.running || data.drill);
  return html`<${Section} title="Drill" aside=${html`<div class="actions">
      <${BeginOne} path=${path} name=${name} points=${points} network=${data?.last?.order.network} done=${drill.reload} />
      <${End} offered=${Boolean(open)} label="Clean up now" title=${`Clean up the drill of ${name}`} path=${path} done=${drill.reload}
        means="The test VM and its disks are removed now, whether they were looked at or not. A drill that is ended before its checks has not passed." /></div>`}>
    ${drill.error && !none && html`<${Problem} ...${drill} stale=${data && drill.at} />`}
    ${none && html`<p class="quiet">No drill of it is known.</p>`}
    ${!drill.data && !drill.error && html`<${Loading} since=${drill.since} what="Reading the drill" />`}
    ${data?.running && html`<${Progress} run=${data.run} />`}
    ${data?.drill && html`<${Evidence} drill=${data.drill} outcome="Running" />`}
    ${data && !open && data.run?.findings?.length > 0 && html`<p><${Outcome} outcome=${data.run.outcome} /> The last request was refused:</p><${Findings} findings=${data.run.findings} />`}
    ${data?.last && html`<${Evidence} drill=${data.last} outcome=${data.outcome} rto=${data.rtoSeconds} age=${data.recoveryPointAgeSeconds} />`}
  <//>`;
}

const Progress = ({ run }) => html`<${Facts} rows=${[
  ["Step", run?.step || "It has begun, and has reported no step yet."],
  ["Goes on", run?.resumeAt && html`<${Time} at=${run.resumeAt} due />`],
  ["Met with", run?.lastError && `${run.lastError.code}: ${run.lastError.message}`],
]} />`;

/** What the record of a drill shows: of one that is open, so far. */
function Evidence({ drill, outcome, rto, age }) {
  const { point, seen, error, cleanupError } = drill;
  const gone = [drill.testVm, ...(drill.testDisks || [])];
  return html`
    <h3>${outcome === "Running" ? "The drill in progress" : "The last drill"} <${Outcome} outcome=${outcome} /></h3>
    <${Facts} rows=${[
      ["Recovery time, measured", rto != null && html`<strong>${duration(rto)}</strong> from the request until the agent of the test VM was ready`],
      ["Recovery point", point ? html`${point.type} of ${utc(point.time)}${age != null && `, ${duration(age)} old at the request`}` : "the latest, which Site Recovery makes"],
      ["Test VM", html`<${Resource} id=${drill.testVm} />${drill.size && `, ${drill.size}, ${number(drill.cores || 0)} cores`}${seen && `: ${seen.powerState}, agent ${seen.agent || "not ready"}`}`],
      ["Address", seen?.nics?.map((nic) => nic.address).filter(Boolean).join(", ")],
      ["Network", html`<${Resource} id=${drill.network} />`],
      ["Kept for", drill.order.keepMinutes > 0 && duration(drill.order.keepMinutes * 60)],
      ["Jobs", [drill.job, drill.cleanupJob].filter(Boolean).join(", ")],
      ["Went wrong", error && `${error.code}: ${error.message} ${error.action || ""}`],
      ["Cleanup", drill.endedAt ? html`<${Time} at=${drill.endedAt} />: nothing is left of ${gone.map(nameOf).join(", ")}` : cleanupError && `${cleanupError.code}: ${cleanupError.message} ${cleanupError.action || ""}`],
      ["Still there", drill.left?.map(nameOf).join(", ")],
    ]} />
    <${Table} label="Steps" titles=${["Step", "Began", "Took"]} rows=${stepsOf(drill)} />
    ${drill.checks?.length > 0 && html`<${Table} label="Checks" titles=${["Check", "Result", "Found"]}
      rows=${drill.checks.map((check) => [check.name, html`<${Badge} tone=${check.passed ? "good" : "bad"}>${check.passed ? "passed" : "failed"}<//>`, check.found])} />`}`;
}

function stepsOf(drill) {
  const steps = [
    ["Checks and record", drill.recordedAt, drill.requestedAt],
    ["Test failover", drill.requestedAt, drill.jobEndedAt],
    ["Start of the test VM", drill.jobEndedAt, drill.runningAt],
    ["Agent of the test VM", drill.runningAt, drill.readyAt],
    ["Cleanup", drill.cleanupRequestedAt, drill.endedAt],
  ];
  return steps
    .filter(([, began]) => began)
    .map(([name, began, ended]) => [name, html`<time datetime=${began}>${utc(began)}</time>`, ended ? duration((Date.parse(ended) - Date.parse(began)) / 1000) : "not ended"]);
}

/** The fields of a drill. `points` are offered beside what may be called by name. */
function DrillFields({ given, change, points = [] }) {
  const set = (name, value) => change({ ...given, [name]: value });
  return html`
    <label>Network: the resource ID of an isolated one in the target region, or create; or create: the app makes one
      <input required maxlength="1000" spellcheck=${false} autocomplete="off" value=${given.network} onInput=${(event) => set("network", event.target.value.trim())} /></label>
    <label>Recovery point
      <select value=${given.recoveryPoint} onChange=${(event) => set("recoveryPoint", event.target.value)}>
        <option value="latest">latest: Site Recovery makes one</option>
        <option value="latestProcessed">latestProcessed: the newest that is listed</option>
        <option value="appConsistent">appConsistent: the newest of that type</option>
        ${points.map((point) => html`<option value=${point.id}>${utc(point.time)}, ${point.type}</option>`)}
      </select></label>
    <label>Keep the test VM, in minutes <input type="number" required min="0" max="1440" value=${given.keepMinutes} onInput=${(event) => set("keepMinutes", Number(event.target.value))} /></label>`;
}

const ASKED = { network: "", recoveryPoint: "latest", keepMinutes: 0 };

/** Of the hours that a drill may take; what has no price is named. */
const costOf = ({ currency, hours, vm, disks, unpriced }) =>
  `${((vm || 0) + disks).toFixed(2)} ${currency} in ${hours.toFixed(1)} h${vm == null ? "; the price of a core is not known" : ""}${unpriced?.length > 0 ? `; without a price: ${unpriced.join(", ")}` : ""}`;

const BeginOne = ({ path, name, points, network, done }) => html`<${Dialog} label="Drill …" title=${`A drill of ${name}`}>
  ${() => html`<${Beginning} path=${path} points=${points} network=${network} done=${done} />`}
<//>`;

function Beginning({ path, points, network, done }) {
  const [given, change] = useState({ ...ASKED, network: network || "" });
  const plan = usePlan(`${path}/plan`, given);
  const [sent, send] = useRequest();
  const shown = plan.answer?.body;
  if (sent.answer) return html`<${Accepted} answer=${sent.answer} what="The run of the drill has taken the order up: its steps are shown on the page of the VM." />`;
  return html`<p>A drill is a test failover: a test VM is started in a network that nothing leads out of, looked at, written down and removed. Replication goes on meanwhile.</p>
    <form class="hold" onSubmit=${(event) => (event.preventDefault(), plan.ask())}>
      <${DrillFields} given=${given} change=${change} points=${points} />
      <p><button type="submit" disabled=${plan.busy}>Plan</button></p>
    </form>
    ${plan.busy && html`<${Loading} what="Checking whether it may begin" since=${plan.since} />`}
    ${plan.error && html`<${Problem} error=${plan.error} />`}
    ${shown && html`<${Findings} findings=${shown.findings} />
      <${Facts} rows=${[
        ["Would be started", shown.testVm && html`<${Resource} id=${shown.testVm} />, ${shown.size}, ${number(shown.cores)} cores`],
        ["Test disks", shown.testDisks.map(nameOf).join(", ")],
        ["Recovery point", shown.recoveryPoint && `${shown.recoveryPoint.type} of ${utc(shown.recoveryPoint.time)}`],
        ["Cost, at most", shown.cost && costOf(shown.cost)],
        ["In", html`<${Resource} id=${shown.network} />${shown.networkChange && `, which the app would ${shown.networkChange} before`}`],
      ]} />
      <${Confirmed} label="Begin the drill" plan=${plan} refused=${shown.refused} sent=${sent} act=${async () => (await send("POST", path, given)).answer && done()} />`}`;
}

/** A DELETE, after what it means was read. */
const End = ({ offered, label, title, means, path, done }) => html`<${Dialog} offered=${offered} label=${`${label} …`} title=${title} danger>
  ${() => html`<${Ending} label=${label} means=${means} path=${path} done=${done} />`}
<//>`;

function Ending({ label, means, path, done }) {
  const [sent, send] = useRequest();
  if (sent.answer) return html`<${Accepted} answer=${sent.answer} what="The run has taken the order up." />`;
  return html`<p class="consequence">${means}</p>
    ${sent.error && html`<${Problem} error=${sent.error} />`}
    ${sent.busy && html`<${Loading} what="Handing it over" since=${sent.since} />`}
    <p><button type="button" class="danger" disabled=${sent.busy} onClick=${async () => (await send("DELETE", path)).answer && done()}>${label}</button></p>`;
}

const PLANNED = 50; // VMs in one plan, at most
const VmLink = ({ id }) => html`<a href=${vmHref(partsOf(id))} title=${id}>${nameOf(id)}</a>`;
const countsOf = (counts) => Object.entries(counts).map(([outcome, count]) => html`<${Outcome} outcome=${outcome} /> ${number(count)} `);
const percentOf = (percent) => percent != null && html`<progress max="100" value=${percent} aria-label=${`${percent} %`}></progress> ${percent} %`;

export function Drills({ query }) {
  const batches = useData(`drills?${new URLSearchParams({ top: 50, ...query })}`, 15);
  const runs = useData("runs?kind=drill&top=100", 10);
  const after = batches.data?.nextLink && new URLSearchParams(batches.data.nextLink.split("?")[1]).get("after");
  return html`
    <div class="head"><h1>Drills</h1><span class="quiet">of one VM: on its page; of many: <a href=${href(["vms"], { state: "Protected" })}>those that a list shows</a></span></div>
    <${Section} title="Under way" aside=${runs.data && html`<span class="quiet">as of <${Time} at=${runs.data.at} /></span>`}>
      <${Read} of=${runs} what="Reading the drills under way" titles=${["VM", "Step", "Began", "Goes on", "Met with"]} rowOf=${(run) => [
        run.vmId ? html`<${VmLink} id=${run.vmId} />` : run.instanceId,
        run.step || run.state,
        html`<${Time} at=${run.since} />`,
        html`<${Time} at=${run.resumeAt} due />`,
        run.lastError && `${run.lastError.code}: ${run.lastError.message}`,
      ]} />
    <//>
    <${Section} title="Batches">
      <${Read} of=${batches} what="Reading the batches" titles=${["Began", "VMs", "How they went", "Progress"]} rowOf=${(row) => [
        html`<a href=${href(["drills", row.batch])}><${Time} at=${row.since} /></a>`,
        row.total,
        countsOf(row.counts),
        row.running ? html`<${Badge} tone="busy">running<//> ${percentOf(row.percent)}` : "ended",
      ]} />
      ${after && html`<p><a href=${href(["drills"], { after })}>Older batches</a></p>`}
    <//>
  `;
}

/** A list of the API, or why it is not there. */
const Read = ({ of, what, titles, rowOf }) => html`
  ${of.error && html`<${Problem} ...${of} stale=${of.data && of.at} />`}
  ${!of.data && !of.error && html`<${Loading} since=${of.since} what=${what} />`}
  ${of.data && html`<${Gaps} gaps=${of.data.gaps} />`}
  ${of.data && (of.data.value.length ? html`<${Table} label=${what.replace("Reading ", "")} titles=${titles} rows=${of.data.value.map(rowOf)} />` : html`<p class="quiet">None.</p>`)}`;

export function Batch({ name }) {
  const path = `drills/${encodeURIComponent(name)}`;
  const batch = useData(path, ({ running }) => (running ? 5 : 60));
  const { data } = batch;
  return html`
    <div class="head"><div><p class="quiet"><a href=${href(["drills"])}>Drills</a></p><h1>Batch of drills</h1></div>
      <div class="actions"><${End} offered=${Boolean(data?.running)} label="Cancel the batch" title="Cancel the batch" path=${path} done=${batch.reload}
        means="No other drill begins, and the test VMs of those under way are removed now." /></div></div>
    ${batch.error && html`<${Problem} ...${batch} stale=${data && batch.at} />`}
    ${!data && !batch.error && html`<${Loading} since=${batch.since} what="Reading the batch" />`}
    ${data && html`<${Section} title=${plural(data.total, "VM")}>
      <${Facts} rows=${[
        ["Progress", html`${data.running ? html`<${Badge} tone="busy">running<//>` : "ended"}${data.cancelled && html` <${Badge} tone="warn">cancelled<//>`} ${percentOf(data.percent)}`],
        ["How they went", html`<span>${countsOf(data.counts)}</span>`],
        ["At once, at most", number(data.atOnce)],
        ["Met with", data.lastError && `${data.lastError.code}: ${data.lastError.message}`],
      ]} />
      <${Table} label="VMs" titles=${["VM, and its evidence", "Outcome", "Recovery time", "Why"]} numeric=${[2]} rows=${data.virtualMachines.map((vm) => [
        html`<${VmLink} id=${vm.vmId} />`,
        html`<${Outcome} outcome=${vm.outcome} />`,
        vm.rtoSeconds != null && duration(vm.rtoSeconds),
        html`${vm.error && html`<p>${vm.error.code}: ${vm.error.message}</p>`}${vm.findings?.length > 0 && html`<${Findings} findings=${vm.findings} />`}`,
      ])} />
    <//>`}
  `;
}

/** Drills of the VMs of these rows. */
export const DrillMany = ({ rows }) => html`<${Dialog} label="Drill these …" title=${`Drills of ${plural(rows.length, "VM")}`}>
  ${() => html`<${Many} rows=${rows} />`}
<//>`;

function Many({ rows }) {
  const [ids] = useState(() => rows.map(({ vmId }) => vmId)); // the list may be read again meanwhile
  const [drill, change] = useState(ASKED);
  const [atOnce, setAtOnce] = useState(5);
  const of = (virtualMachines) => ({ virtualMachines, drill, atOnce });
  const plan = usePlan("drills/plan", of(ids.slice(0, PLANNED)));
  const [sent, send] = useRequest();
  const shown = plan.answer?.body;
  if (sent.answer) {
    return html`<${Accepted} answer=${sent.answer} what=${html`The batch has begun: <a href=${href(["drills", sent.answer.body.batch])}>how it goes</a>.`} />`;
  }
  return html`<p>Each is a test failover into a network that nothing leads out of. A VM for which that is refused is left out, and the others are drilled.</p>
    <form class="hold" onSubmit=${(event) => (event.preventDefault(), plan.ask())}>
      <${DrillFields} given=${drill} change=${change} />
      <label>At once, at most <input type="number" required min="1" max="50" value=${atOnce} onInput=${(event) => setAtOnce(Number(event.target.value))} /></label>
      <p><button type="submit" disabled=${plan.busy}>Plan</button></p>
    </form>
    ${plan.busy && html`<${Loading} what="Checking whether they may begin" since=${plan.since} />`}
    ${plan.error && html`<${Problem} error=${plan.error} />`}
    ${shown && html`
      ${ids.length > PLANNED && html`<div class="problem warn">A plan is of ${PLANNED} VMs at most: these are the first of ${number(ids.length)}. Each drill makes the same checks before it begins.</div>`}
      <p><strong>${number(shown.total - shown.refused)} of ${plural(shown.total, "drill")} would begin</strong>: ${number(shown.cores)} cores in all, ${number(shown.coresAtOnce)} at a time at most${shown.cost && `, for ${costOf(shown.cost)} at most`}.</p>
      <${Table} label="Plans" titles=${["VM", "Would be started", "Cores", "Why not"]} numeric=${[2]} rows=${shown.value.map((each) => [
        html`<${VmLink} id=${each.vmId} />`,
        each.refused ? html`<${Outcome} outcome="Refused" />` : `${nameOf(each.testVm)}, ${each.size}`,
        number(each.cores || 0),
        each.findings?.map(({ code, message }) => html`<p><strong>${code}</strong>: ${message}</p>`),
      ])} />
      <${Confirmed} label="Begin the drills" plan=${plan} refused=${shown.refused === ids.length} sent=${sent} act=${() => send("POST", "drills", of(ids))} />`}`;
}
