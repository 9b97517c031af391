// One VM: why it is as it is, what protects it, with what settings and why, and what may be done.
import { Chart } from "../chart.js";
import { useData } from "../data.js";
import { duration, nameOf, number, utc } from "../format.js";
import { html, useState } from "../html.js";
import { Badge, callersOf, Cost, Facts, Findings, Gaps, Loading, Problem, Resource, Section, Settings, Table, Time } from "../parts.js";
import { href } from "../router.js";
import { Disable, Hold, Plan } from "./actions.js";
import { Drill } from "./drills.js";
import { JobTable } from "./jobs.js";

const POINTS = 10;

export function Vm({ subscription, group, name }) {
  const path = ["subscriptions", subscription, "resourceGroups", group, "virtualMachines", name].map(encodeURIComponent).join("/") + "/protection";
  const vm = useData(path, (data) => (data.running ? 5 : 30));
  const { data } = vm;
  return html`
    <div class="head">
      <div><p class="quiet"><a href=${href(["vms"])}>VMs</a> / ${subscription} / <a href=${href(["vms"], { group })}>${group}</a></p><h1>${name}</h1></div>
      ${data && html`<div class="actions">
        <span class="quiet">as of <${Time} at=${new Date(vm.at).toISOString()} /></span>
        <${Plan} path=${path} name=${name} isProtected=${data.item?.state === "Protected"} done=${vm.reload} /><${Hold} path=${path} name=${name} done=${vm.reload} /><${Disable} path=${path} name=${name} done=${vm.reload} />
      </div>`}
    </div>
    ${vm.error && html`<${Problem} ...${vm} stale=${data && vm.at} />`}
    ${!data && !vm.error && html`<${Loading} since=${vm.since} what="Reading the VM and its replication" />`}
    ${data && html`<${Shown} data=${data} name=${name} path=${path} />`}
  `;
}

function Shown({ data, name, path }) {
  const { item, details, reason } = data;
  return html`
    ${reason && html`<div class="problem warn">
      <p><strong>${reason.code || "In progress"}</strong>${reason.since && html` since <${Time} at=${reason.since} />`}</p>
      <p>${reason.text}</p>
      ${reason.fix && html`<p class="fix">${reason.fix}</p>`}
      ${reason.nextTry && html`<p class="quiet">Next try: <${Time} at=${reason.nextTry} due /></p>`}
    </div>`}
    ${!data.exists && html`<div class="problem"><p><strong>The VM does not exist.</strong> What is shown is what is left of its protection.</p></div>`}
    <div class="columns">
      <${Section} title="Replication"><${Replication} data=${data} /><//>
      <${Section} title="Run"><${Run} data=${data} /><//>
    </div>
    <${Section} title="Findings"><${Findings} findings=${data.findings} /><//>
    ${item && html`<${Section} title="Disks"><${Disks} item=${item} details=${details} /><//>`}
    ${details && html`<${Section} title="Failover"><${Failover} item=${item} details=${details} /><//>`}
    ${item && html`<${Drill} path=${path.replace(/protection$/, "drill")} name=${name} points=${details.recoveryPoints.slice(0, POINTS)} />`}
    <${History} path=${path.replace(/protection$/, "timeline")} />
    ${data.settings.length > 0 && html`<${Section} title="Settings, and why"><${Settings} settings=${data.settings} /><//>`}
    <${Section} title="Jobs" aside=${html`<span class="quiet">of every VM named ${name}: a job does not say which</span>`}><${JobTable} query=${{ vm: name }} top=${20} /><//>
  `;
}

function Replication({ data }) {
  const portal = useData("status").data?.portal; // "" where the API knows none
  const { item, details } = data;
  if (!item) return html`<p>Nothing protects it. ${data.tagged ? "It is tagged for protection." : "It is not tagged for protection."}</p>`;
  const { settings } = item;
  const vault = item.id.split("/replicationFabrics/")[0];
  return html`<${Facts} rows=${[
    ["State", html`${item.state}${item.stateDescription !== item.state && ` (${item.stateDescription})`}`],
    ["Health", details.replicationHealth],
    ["RPO", details.rpoSeconds != null && html`${duration(details.rpoSeconds)}${details.rpoAt && html`, calculated <${Time} at=${details.rpoAt} />`}`],
    ["Initial replication", item.percent != null && item.percent < 100 && !item.heldRecoveryPoints && `${item.percent} %`],
    ["From", html`${settings.sourceLocation}, <${Resource} id=${item.source} />`],
    ["To", html`${settings.targetLocation}, ${settings.name} in <${Resource} id=${settings.targetGroup} />`],
    ["Size there", settings.size],
    ["Zone there", settings.zone],
    ["Network there", html`${item.nics.map((nic) => html`<${Resource} id=${nic.network} />${nic.targetSubnet && ` / ${nic.targetSubnet}`}${nic.targetAddress && `, ${nic.targetAddress}`} `)}`],
    ["Vault", html`<${Resource} id=${vault} />`],
    ["Policy", html`<${Resource} id=${item.policyId} />`],
    ["Enabled by", item.isOurs ? "this app" : "somebody else"],
    ["Cost", data.cost && html`<${Cost} cost=${data.cost} />`],
    ["In the portal", portal && html`${[["the VM", data.exists && data.vmId], ["the replicated item", item.id], ["the vault", vault]].map(
      ([title, id]) => id && html`<a href=${encodeURI(`${portal}/#resource${id}`)} target="_blank" rel="noreferrer">${title}</a> `)}`],
    ["Agent", item.agent.version && `${item.agent.version}${item.agent.outdated ? ", outdated" : ""}`],
  ]} />
  ${details.healthErrors.length > 0 && html`<ul class="findings">${details.healthErrors.map((error) => html`<li>
    <${Badge} tone=${error.level === "Critical" ? "bad" : "warn"}>${error.level}<//> <strong>${error.code}</strong>${error.since && html` <small>since <${Time} at=${error.since} /></small>`}
    <p>${error.message}</p>${error.possibleCauses && html`<p class="quiet">${error.possibleCauses}</p>`}${error.action && html`<p class="fix">${error.action}</p>`}</li>`)}</ul>`}`;
}

function Run({ data }) {
  const { run, running, lastChange } = data;
  if (!run) return html`<p class="quiet">${running ? "A run has begun, and has reported no step yet." : "No run of it is known."}</p>`;
  const error = running ? run.lastError : run.error;
  return html`<${Facts} rows=${[
    running ? ["Step", html`${run.step}${run.percent != null && html` <progress max="100" value=${run.percent} aria-label=${`${run.percent} %`}></progress> ${run.percent} %`}`] : ["Ended", run.outcome],
    ["Goes on", running && html`<${Time} at=${run.resumeAt} due />`],
    ["Disables the replication", running && run.disableAt && html`<${Time} at=${run.disableAt} />`],
    ["Attempts", running && run.attempts],
    ["Met with", error && html`${error.code}: ${error.message}`],
    ["What to do", error?.action],
    ["Last change", lastChange && html`${lastChange.outcome}, <${Time} at=${lastChange.at} />${lastChange.error && `: ${lastChange.error.code}`}`],
  ]} />`;
}

const RPO = [["Worst of the day", "worstSeconds", [4, 4]], ["RPO", "seconds"]]; // what is drawn last lies on top

/** What happened to it in a month, who asked for it, and its RPO in that month. */
function History({ path }) {
  const [month, change] = useState("");
  return html`<${Month} key=${month} path=${`${path}${month && `?month=${month}`}`} earlier=${month && (() => change(""))} change=${change} />`;
}

function Month({ path, earlier, change }) {
  const timeline = useData(path);
  const { data } = timeline;
  const before = data?.nextLink && new URLSearchParams(data.nextLink.split("?")[1]).get("month");
  const rows = (data?.value || []).map((entry) => [
    html`<${Time} at=${entry.at} />`,
    html`${entry.title || (entry.disabling ? "disable" : entry.kind)}: ${entry.outcome}${entry.rtoSeconds != null && `, RTO ${duration(entry.rtoSeconds)}`}`,
    callersOf(entry),
    entry.error,
  ]);
  const known = data?.rpo.some((point) => point.seconds != null);
  return html`
    <${Section} title="RPO over time" aside=${data && html`<span class="quiet">${data.month}: as each sweep of today has found it, and in half of each day before it at most</span>`}>
      ${!data && !timeline.error && html`<${Loading} since=${timeline.since} what="Reading the archive" />`}
      ${known && html`<${Chart} label="RPO over time" points=${data.rpo} series=${RPO} />`}
      ${data && !known && html`<p class="quiet">${data.since ? "No sweep of this month has found an RPO." : "Nothing is archived."}</p>`}
    <//>
    <${Section} title="Timeline" aside=${data && html`<span class="quiet">${data.month}, ${data.since ? `archived since ${data.since}` : "nothing is archived: jobs of Site Recovery only"}</span>`}>
      ${timeline.error && html`<${Problem} ...${timeline} />`}
      ${!data && !timeline.error && html`<${Loading} since=${timeline.since} what="Reading the timeline" />`}
      ${data && html`<${Gaps} gaps=${data.gaps} />`}
      ${data && (rows.length ? html`<${Table} label="Timeline" titles=${["When", "What", "Asked by", "Error"]} rows=${rows} />` : html`<p class="quiet">Nothing.</p>`)}
      <p class="actions">${before && html`<button type="button" onClick=${() => change(before)}>The month before</button>`}${earlier && html`<button type="button" onClick=${earlier}>This month</button>`}</p>
    <//>`;
}

function Disks({ item, details }) {
  const known = new Map((details?.disks || []).map((disk) => [disk.id.toLowerCase(), disk]));
  return html`<${Table} label="Disks" titles=${["Disk", "State", "Data not yet copied", "Replica", "Target", "Cache account"]} numeric=${[2]}
    rows=${item.disks.map((disk) => {
      const detail = known.get(disk.id.toLowerCase());
      return [
        html`<${Resource} id=${disk.id} />${disk.holdsOs && html` <span class="quiet">OS</span>`}`,
        html`${detail?.state}${detail?.resyncRequired && html` <${Badge} tone="bad">resync required<//>`}`,
        detail ? `${number(Math.round(detail.pendingMb))} MB` : "",
        disk.replicaSku,
        disk.targetSku,
        html`<${Resource} id=${disk.cacheAccount} />`,
      ];
    })} />`;
}

function Failover({ item, details }) {
  const { failover, recoveryPoints, recoveryPointCount } = details;
  return html`
    <${Facts} rows=${[
      ["Readiness", failover.health],
      ["Last test failover", failover.testedAt ? html`<${Time} at=${failover.testedAt} />` : "none that succeeded"],
      ["Site Recovery allows", failover.allowedOperations.join(", ")],
      ["VMs of a failover", item.failoverVms.map(nameOf).join(", ")],
      ["Recovery points", number(recoveryPointCount)],
    ]} />
    ${recoveryPoints.length > 0 && html`<${Table} label="Newest recovery points" titles=${["Newest recovery points", "Age", "Kind"]}
      rows=${recoveryPoints.slice(0, POINTS).map((point) => [utc(point.time), html`<${Time} at=${point.time} />`, `${point.type}${point.multiVm ? ", of several VMs" : ""}`])} />`}`;
}
