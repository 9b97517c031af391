// The drill of a VM: what it would be, its steps, and the evidence of the last one.
import { useData } from "../data.js";
import { duration, nameOf, number, utc } from "../format.js";
import { html, useState } from "../html.js";
import { Badge, Facts, Findings, Loading, Problem, Resource, Section, Table, Time } from "../parts.js";
import { Accepted, Confirmed, Dialog, usePlan, useRequest } from "./actions.js";

const TONES = { Passed: "good", Failed: "bad", Refused: "warn", Cancelled: "warn", Running: "busy" };
const FAST = 5; // seconds between two reads while a drill is open
const SLOW = 60;

/** How a drill ended, or that it has not. */
export const Outcome = ({ outcome }) => html`<${Badge} tone=${TONES[outcome]}>${outcome}<//>`;

/** `points` are the recovery points that are listed, the newest first. */
export function Drill({ path, name, points }) {
  const drill = useData(path, (data) => (data.running || data.drill ? FAST : SLOW));
  const none = drill.error?.code === "NoDrill";
  const data = none ? null : drill.data;
  const open = data && (data.running || data.drill);
  return html`<${Section} title="Drill" aside=${html`<div class="actions">
      <${BeginOne} path=${path} name=${name} points=${points} network=${data?.last?.order.network} done=${drill.reload} />
      ${open && html`<${CleanUp} path=${path} name=${name} done=${drill.reload} />`}</div>`}>
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
export function DrillFields({ given, change, points = [] }) {
  const set = (name, value) => change({ ...given, [name]: value });
  return html`
    <label>Network, by its resource ID: an isolated one in the target region; or create: the app makes one
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

export const ASKED = { network: "", recoveryPoint: "latest", keepMinutes: 0 };

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
        ["In", html`<${Resource} id=${shown.network} />${shown.networkChange && `, which the app would ${shown.networkChange} before`}`],
      ]} />
      <${Confirmed} label="Begin the drill" plan=${plan} refused=${shown.refused} sent=${sent} act=${async () => (await send("POST", path, given)).answer && done()} />`}`;
}

const CleanUp = ({ path, name, done }) => html`<${Dialog} label="Clean up now …" title=${`Clean up the drill of ${name}`} danger>
  ${() => html`<${CleaningUp} path=${path} done=${done} />`}
<//>`;

function CleaningUp({ path, done }) {
  const [sent, send] = useRequest();
  if (sent.answer) return html`<${Accepted} answer=${sent.answer} what="The run of the drill has taken the order up, and cleans up." />`;
  return html`<p class="consequence">The test VM and its disks are removed now, whether they were looked at or not. A drill that is ended before its checks has not passed.</p>
    ${sent.error && html`<${Problem} error=${sent.error} />`}
    ${sent.busy && html`<${Loading} what="Handing it to the run of the drill" since=${sent.since} />`}
    <p><button type="button" class="danger" disabled=${sent.busy} onClick=${async () => (await send("DELETE", path)).answer && done()}>Clean up now</button></p>`;
}
