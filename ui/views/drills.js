// Drills of many VMs: what is under way, the batches, one of them, and a new one of the VMs that a list shows.
import { useData } from "../data.js";
import { duration, nameOf, number, partsOf, plural } from "../format.js";
import { html, useState } from "../html.js";
import { Badge, Facts, Findings, Gaps, Loading, Problem, Section, Table, Time } from "../parts.js";
import { href, vmHref } from "../router.js";
import { Accepted, Confirmed, Dialog, usePlan, useRequest } from "./actions.js";
import { ASKED, DrillFields, Outcome } from "./drill.js";

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
      ${data?.running && html`<div class="actions"><${Cancel} path=${path} done=${batch.reload} /></div>`}</div>
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

const Cancel = ({ path, done }) => html`<${Dialog} label="Cancel …" title="Cancel the batch" danger>
  ${() => html`<${Cancelling} path=${path} done=${done} />`}
<//>`;

function Cancelling({ path, done }) {
  const [sent, send] = useRequest();
  if (sent.answer) return html`<${Accepted} answer=${sent.answer} what="The batch has taken the order up." />`;
  return html`<p class="consequence">No other drill begins, and the test VMs of those under way are removed now.</p>
    ${sent.error && html`<${Problem} error=${sent.error} />`}
    ${sent.busy && html`<${Loading} what="Handing it to the batch" since=${sent.since} />`}
    <p><button type="button" class="danger" disabled=${sent.busy} onClick=${async () => (await send("DELETE", path)).answer && done()}>Cancel the batch</button></p>`;
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
      <p><strong>${number(shown.total - shown.refused)} of ${plural(shown.total, "drill")} would begin</strong>: ${number(shown.cores)} cores in all, ${number(shown.coresAtOnce)} at a time at most.</p>
      <${Table} label="Plans" titles=${["VM", "Would be started", "Cores", "Why not"]} numeric=${[2]} rows=${shown.value.map((each) => [
        html`<${VmLink} id=${each.vmId} />`,
        each.refused ? html`<${Outcome} outcome="Refused" />` : `${nameOf(each.testVm)}, ${each.size}`,
        number(each.cores || 0),
        each.findings?.map(({ code, message }) => html`<p><strong>${code}</strong>: ${message}</p>`),
      ])} />
      <${Confirmed} label="Begin the drills" plan=${plan} refused=${shown.refused === ids.length} sent=${sent} act=${() => send("POST", "drills", of(ids))} />`}`;
}
