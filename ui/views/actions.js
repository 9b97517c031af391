// What changes something: each shows first what would come of it, as the API says, and then what the API did.
import { call } from "../api.js";
import { number, plural } from "../format.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { Cost, Findings, Loading, Problem, Settings, Table } from "../parts.js";

/** A button that opens a dialog; what is in it is made when it opens. What is open stays when it is not `offered` any more. */
export function Dialog({ label, title, danger, offered = true, children }) {
  const [open, setOpen] = useState(false);
  const dialog = useRef();
  const id = `dialog-${label.toLowerCase().replace(/\W+/g, "-")}`;
  useEffect(() => {
    if (open) dialog.current.showModal();
  }, [open]);
  const close = () => dialog.current.close();
  return html`${offered && html`<button type="button" class=${danger ? "danger" : ""} onClick=${() => setOpen(true)}>${label}</button>`}
    ${open && html`<dialog ref=${dialog} aria-labelledby=${id} onClose=${() => setOpen(false)}>
      <div class="head"><h2 id=${id}>${title}</h2><button type="button" class="plain" onClick=${close}>Close</button></div>
      ${children(close)}
    </dialog>`}`;
}

/** `[state, run]`: `run` sends a request once, and `state` is `{busy, since}`, `{answer}` or `{error}`. */
export function useRequest() {
  const [state, setState] = useState({});
  const run = async (method, path, body) => {
    setState({ busy: true, since: Date.now() });
    const result = await call(method, path, { body }).then((answer) => ({ answer }), (error) => ({ error }));
    setState(result);
    return result;
  };
  return [state, run];
}

/** A dry run of `body`: the request's state, and whether it is of what is asked for now (`current`). */
export function usePlan(path, body) {
  const [state, send] = useRequest();
  const [of, setOf] = useState("");
  const text = JSON.stringify(body);
  return { ...state, current: of === text, ask: () => (setOf(text), send("POST", path, body)) };
}

/** Does what was planned, unless that is refused, or no longer what is asked for. */
export function Confirmed({ label, plan, refused, sent, act }) {
  const { writesDisabled } = plan.answer.body;
  return html`
    ${sent.error && html`<${Problem} error=${sent.error} />`}
    ${sent.busy && html`<${Loading} what="Handing it over" since=${sent.since} />`}
    <p class="actions">
      <button type="button" class="primary" disabled=${plan.busy || sent.busy || refused || writesDisabled || !plan.current} onClick=${act}>${label}</button>
      <span class="quiet">${writesDisabled || (!plan.current ? "What is asked for has changed: plan again first." : refused ? "Refused: see the findings." : "")}</span>
    </p>`;
}

export const Accepted = ({ answer, what }) => html`<div class="problem good" role="status">
  <p><strong>${answer.status} Accepted.</strong> ${what}</p>
</div>`;

/** Plan, then protect or change: with the overrides that the deployment's OpenAPI document lists. */
export const Plan = ({ path, name, isProtected, done }) => html`<${Dialog} label=${isProtected ? "Change a setting …" : "Plan …"} title=${isProtected ? `What a change of ${name} would do` : `What protecting ${name} would do`}>
  ${() => html`<${Planned} path=${path} isProtected=${isProtected} done=${done} />`}
<//>`;

function Planned({ path, isProtected, done }) {
  const [confirm, setConfirm] = useState(false);
  const [overrides, setOverrides] = useState({});
  const plan = usePlan(`${path}/plan`, overrides);
  const [put, send] = useRequest();
  useEffect(() => {
    plan.ask();
  }, []);
  const planned = plan.answer?.body;
  const toConfirm = planned?.findings.find(({ fix }) => fix?.includes("PUT") && fix.includes("confirm=true"));
  const again = (event) => {
    event.preventDefault();
    plan.ask();
  };
  const change = (name, value) => setOverrides((old) => ({ ...Object.fromEntries(Object.entries(old).filter(([key]) => key !== name)), ...(value ? { [name]: value } : {}) }));
  if (put.answer) return html`<${Accepted} answer=${put.answer} what="The tags are written, and the run of the VM has taken the order up: its step is shown on the page of the VM." />`;
  return html`
    ${plan.busy && html`<${Loading} what="Planning" since=${plan.since} />`}
    ${plan.error && html`<${Problem} error=${plan.error} />`}
    ${planned && html`<${PlanShown} plan=${planned} />`}
    <${Overrides} given=${overrides} change=${change} submit=${again} shown=${isProtected} />
    ${toConfirm && html`<p><label class="check"><input type="checkbox" checked=${confirm} onChange=${(event) => setConfirm(event.target.checked)} /> Confirm what ${toConfirm.code} asks for (confirm=true)</label></p>`}
    ${planned && html`<${Confirmed} label=${isProtected ? "Change as planned" : "Protect as planned"} plan=${plan} refused=${planned.blocked && !confirm} sent=${put}
      act=${async () => (await send("PUT", `${path}${confirm ? "?confirm=true" : ""}`, overrides)).answer && done()} />`}
  `;
}

function PlanShown({ plan }) {
  const { cost } = plan;
  return html`
    <${Findings} findings=${plan.findings} />
    ${cost && html`<p><${Cost} cost=${cost} /></p>`}
    ${plan.changes.length > 0 && html`<${Table} label="Changes" titles=${["Changes in place", "Now", "Then"]} rows=${plan.changes.map((each) => [each.setting, each.current || "none", each.wanted])} />`}
    ${plan.resources.length > 0 && html`<${Table} label="Target resources" titles=${["Target resource", "Action", "Name"]} rows=${plan.resources.map((each) => [each.kind, each.action, html`<span title=${each.name}>${each.name.split("/").at(-1)}</span> ${each.detail}`])} />`}
    ${plan.settings.length > 0 && html`<details><summary>${plural(plan.settings.length, "setting")}, and why</summary><${Settings} settings=${plan.settings} /></details>`}
  `;
}

function Overrides({ given, change, submit, shown }) {
  const [open, setOpen] = useState(shown);
  const [document, read] = useRequest();
  useEffect(() => {
    if (open && !document.answer && !document.busy) read("GET", "openapi.json");
  }, [open]);
  const properties = document.answer?.body.components.schemas.ProtectionRequest.properties || {};
  return html`<details open=${open} onToggle=${(event) => setOpen(event.target.open)}>
    <summary>Overrides${Object.keys(given).length > 0 && `: ${number(Object.keys(given).length)} given`}</summary>
    ${document.busy && html`<${Loading} since=${document.since} />`}
    ${document.error && html`<${Problem} error=${document.error} />`}
    <form class="overrides" onSubmit=${submit}>
      ${Object.entries(properties).map(([name, { description }]) => html`<label>${name}
        <input value=${given[name] || ""} maxlength="256" spellcheck=${false} autocomplete="off" aria-describedby=${`about-${name}`} onInput=${(event) => change(name, event.target.value)} />
        <small id=${`about-${name}`}>${description}</small></label>`)}
      <p><button type="submit">Plan with these</button></p>
    </form>
  </details>`;
}

/** Sweep now: what it may do depends on the mode. */
export const Sweep = ({ status, done }) => html`<${Dialog} label="Sweep now …" title="Sweep now">
  ${() => html`<${Sweeping} status=${status} done=${done} />`}
<//>`;

function Sweeping({ status, done }) {
  const [sent, send] = useRequest();
  const { lastSweep, writesDisabled } = status;
  const actions = Object.entries(lastSweep?.summary.byAction || {}).map(([action, count]) => `${action}: ${number(count)}`);
  if (sent.answer) {
    const { started } = sent.answer.body;
    return html`<${Accepted} answer=${sent.answer} what=${started ? "The sweep has begun." : "A sweep was in progress already: what has changed since it read Azure is found by the next one."} />`;
  }
  return html`
    <p>A sweep reads every VM and vault, and starts the runs of the VMs that need something.</p>
    ${writesDisabled ? html`<p class="consequence">Now it would only report: ${writesDisabled}.</p>` : html`<p>VMs for which the last sweep had something to do: ${actions.join(", ") || (lastSweep ? "none" : "not known, no sweep has ended yet")}.</p>`}
    ${sent.error && html`<${Problem} error=${sent.error} />`}
    ${sent.busy && html`<${Loading} what="Starting the sweep" since=${sent.since} />`}
    <p><button type="button" class="primary" disabled=${sent.busy} onClick=${async () => (await send("POST", "sweep")).answer && done()}>Sweep now</button></p>
  `;
}

/** Hold, until a time or until somebody ends it: the app leaves the VM as it is. */
export const Hold = ({ path, name, done }) => html`<${Dialog} label="Hold …" title=${`Hold ${name}`}>
  ${() => html`<${Limited} paths=${[path.replace(/protection$/, "hold")]} done=${done} labels=${["Hold it", "End the hold"]} without="somebody ends it"
    about="A held VM is left as it is: nothing is enabled, changed or disabled. What Site Recovery does already goes on. The reason and the end stand in a tag of the VM, which whoever may read the VM can read."
    what="The tag is written or removed, and the run of the VM has taken it up." />`}
<//>`;

/** Acknowledge a cause of VMs. */
export const Acknowledge = ({ cause, vms, done }) => html`<${Dialog} label="Acknowledge …" title=${`Acknowledge ${cause}`}>
  ${() => html`<${Limited} paths=${vms.map((vm) => `${vm.slice(1).replace("providers/Microsoft.Compute/", "")}/acknowledge`)} done=${done} labels=${["Acknowledge", "End it"]} without="it is resolved"
    more=${{ cause }} query=${`?cause=${cause}`} about="No message about it arrives until then." what="See its row." />`}
<//>`;

/** PUT and DELETE of a reason and an end. */
function Limited({ paths, more, query = "", about, without, labels, what, done }) {
  const [sent, send] = useRequest();
  const [left, setLeft] = useState(paths);
  const [reason, setReason] = useState("");
  const [until, setUntil] = useState("");
  const act = async (method, end, body) => {
    for (const path of left) {
      if ((await send(method, path + end, body)).error) return;
      setLeft(([, ...rest]) => rest);
    }
    done();
  };
  const submit = (event) => {
    event.preventDefault();
    act("PUT", "", { ...more, reason, ...(until && { until: `${until}Z` }) });
  };
  if (!left.length) return html`<${Accepted} answer=${sent.answer} what=${what} />`;
  return html`<form class="hold" onSubmit=${submit}>
    <p>${about}</p>
    <label>Reason <input required maxlength="200" value=${reason} onInput=${(event) => setReason(event.target.value)} /></label>
    <label>Until, in UTC (without: until ${without}) <input type="datetime-local" value=${until} onInput=${(event) => setUntil(event.target.value)} /></label>
    ${sent.error && html`<${Problem} error=${sent.error} />`}
    ${sent.busy && html`<${Loading} since=${sent.since} />`}
    <p class="actions"><button type="submit" class="primary" disabled=${sent.busy}>${labels[0]}</button> <button type="button" disabled=${sent.busy} onClick=${() => act("DELETE", query)}>${labels[1]}</button></p>
  </form>`;
}

/** Disable: the API says first what would be lost. */
export const Disable = ({ path, name, done }) => html`<${Dialog} label="Disable …" title=${`Disable the replication of ${name}`} danger>
  ${() => html`<${Disabling} path=${path} name=${name} done=${done} />`}
<//>`;

function Disabling({ path, name, done }) {
  const [ask, asked] = useRequest();
  const [sent, send] = useRequest();
  const [typed, setTyped] = useState("");
  useEffect(() => {
    asked("DELETE", path);
  }, []);
  const asks = ask.error?.code === "ConfirmationNeeded";
  const submit = async (event) => {
    event.preventDefault();
    if (typed === name && (await send("DELETE", `${path}?confirm=true`)).answer) done();
  };
  if (sent.answer) return html`<${Accepted} answer=${sent.answer} what="The run of the VM has taken the order up, and disables the replication." />`;
  return html`
    ${ask.busy && html`<${Loading} what="Asking what would be lost" since=${ask.since} />`}
    ${ask.error && !asks && html`<${Problem} error=${ask.error} />`}
    ${asks && html`<form onSubmit=${submit}>
      <p class="consequence">${ask.error.message}</p>
      <label>Type the name of the VM, <strong>${name}</strong> <input value=${typed} autocomplete="off" spellcheck=${false} onInput=${(event) => setTyped(event.target.value)} /></label>
      ${sent.error && html`<${Problem} error=${sent.error} />`}
      ${sent.busy && html`<${Loading} what="Handing it to the run of the VM" since=${sent.since} />`}
      <p><button type="submit" class="danger" disabled=${typed !== name || sent.busy}>Disable, and lose the recovery points</button></p>
    </form>`}
  `;
}
