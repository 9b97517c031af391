// The whole estate, which several views show: read page by page, once for all of them, and again while it is shown.
import { get, now, pathOf } from "./api.js";
import { retryOf, seen } from "./data.js";
import { partsOf } from "./format.js";
import { useEffect, useState } from "./html.js";

const PAGE = 1000;
const AGAIN = 60; // seconds, for each page

const watchers = new Set();
let estate;
let reading; // the read that counts: an older one stops
let timer;

/** Nothing of it is known: another key may see something else. */
export function forget() {
  clearTimeout(timer);
  reading = null;
  estate = { rows: null, at: null };
}
forget();

/** `{rows, summary, recoverable, gaps, readAt, at, error, retryAt, loading}` of all VMs. `at` is when the last whole read ended,
 * `readAt` when the app had read Azure for it. During a first read `rows` are those that are there. `loading` counts
 * the rows of the read in progress, or is null. */
export function useEstate() {
  const [, setState] = useState(estate);
  useEffect(() => {
    watchers.add(setState);
    if (!reading) read();
    return () => watchers.delete(setState);
  }, []);
  return { ...estate, reload: () => estate.loading === null && read() };
}

function publish(change) {
  estate = { ...estate, ...change };
  watchers.forEach((watcher) => watcher(estate));
}

async function read() {
  const mine = (reading = {});
  const stopped = () => mine !== reading;
  clearTimeout(timer);
  const rows = [];
  const first = {};
  let path = `compliance?top=${PAGE}`;
  publish({ loading: 0, since: now() });
  for (let pages = 0; path; ) {
    try {
      const page = await get(path);
      if (stopped()) return;
      path = pathOf(page.nextLink);
      rows.push(...page.value.map(rowOf));
      if (!pages++) Object.assign(first, { summary: page.summary, recoverable: page.recoverable, gaps: page.gaps, readAt: page.readAt });
      publish({ loading: rows.length, error: null, retryAt: null, ...(path && estate.at ? {} : { ...first, rows: [...rows] }) });
      if (!path) timer = setTimeout(() => seen().then(() => watchers.size && !stopped() && read()), pages * AGAIN * 1000);
    } catch (error) {
      if (stopped()) return;
      const retry = retryOf(error);
      publish({ error, retryAt: retry && now() + retry * 1000 });
      if (!retry) return publish({ loading: null, since: null });
      await new Promise((resolve) => setTimeout(resolve, retry * 1000));
      await seen();
      if (stopped()) return;
    }
  }
  publish({ at: now(), loading: null, since: null });
}

/** A VM of the report, with the parts of its ID, and its cause: the code of its reason, if it needs one. */
function rowOf(vm) {
  const parts = partsOf(vm.vmId);
  const cause = vm.reason?.code || "";
  return { ...vm, ...parts, cause, text: `${parts.name} ${parts.group} ${vm.state} ${cause}`.toLowerCase() };
}
