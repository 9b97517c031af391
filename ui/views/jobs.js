// Site Recovery jobs of all vaults, newest first, page by page.
import { useData } from "../data.js";
import { duration } from "../format.js";
import { html } from "../html.js";
import { Badge, Loading, Problem, Resource, Section, Table, Time } from "../parts.js";
import { href, replace } from "../router.js";

const TONES = { Succeeded: "good", Failed: "bad", InProgress: "busy", Cancelled: "warn", Suspended: "warn" };
const STATES = ["", "InProgress", "Failed", "Succeeded", "Cancelled"];

export function Jobs({ query }) {
  const change = (more) => replace(["jobs"], { ...query, after: "", ...more });
  return html`
    <h1>Jobs</h1>
    <form class="filters" onSubmit=${(event) => event.preventDefault()}>
      <label>State <select value=${query.state || ""} onChange=${(event) => change({ state: event.target.value })}>${STATES.map((state) => html`<option value=${state}>${state || "all"}</option>`)}</select></label>
      <label>VM <input type="search" value=${query.vm || ""} placeholder="its whole name" onChange=${(event) => change({ vm: event.target.value.trim() })} /></label>
    </form>
    <${JobTable} key=${JSON.stringify(query)} query=${query} />
  `;
}

/** The jobs that the query selects; of one VM by its name. */
export function JobTable({ query, top = 100 }) {
  const jobs = useData(`jobs?${new URLSearchParams({ ...query, top })}`, 30);
  const { data } = jobs;
  const after = data?.nextLink && new URLSearchParams(data.nextLink.split("?")[1]).get("after");
  const rows = (data?.value || []).map((job) => [
    html`${job.title || job.scenario}`,
    job.vm ? html`<a href=${href(["vms"], { q: job.vm })}>${job.vm}</a>` : job.target,
    html`<${Badge} tone=${TONES[job.state]}>${job.state}<//>`,
    html`<${Time} at=${job.started} />`,
    job.started && job.ended ? duration((Date.parse(job.ended) - Date.parse(job.started)) / 1000) : "",
    html`${job.error && html`<p>${job.error.code}: ${job.error.message}</p>${job.error.causes && html`<p class="quiet">${job.error.causes}</p>`}${job.error.action && html`<p class="fix">${job.error.action}</p>`}`}`,
    html`<${Resource} id=${job.vault} />`,
  ]);
  return html`
    ${jobs.error && html`<${Problem} ...${jobs} stale=${data && jobs.at} />`}
    ${!data && !jobs.error && html`<${Loading} since=${jobs.since} what="Reading the jobs" />`}
    ${data && (rows.length ? html`<${Table} label="Jobs" titles=${["Job", "Of", "State", "Began", "Took", "Why it failed, and what to do", "Vault"]} rows=${rows} />` : html`<p class="quiet">No job.</p>`)}
    ${after && html`<p><a href=${href(["jobs"], { ...query, after })}>Older jobs</a></p>`}
  `;
}
