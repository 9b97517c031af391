// The page: who may see it, the bar that is always there, and the view that the address names.
import { useData } from "./data.js";
import { forget } from "./estate.js";
import { html, render, useEffect, useErrorBoundary, useRef, useState } from "./html.js";
import { Badge, Time } from "./parts.js";
import { href, useRoute } from "./router.js";
import { entra, signedIn, signOut, startSession, userName } from "./session.js";
import { Sweep } from "./views/actions.js";
import { Batch, Drills } from "./views/drills.js";
import { Estate } from "./views/estate.js";
import { Jobs } from "./views/jobs.js";
import { Overview } from "./views/overview.js";
import { Reports } from "./views/reports.js";
import { SignIn } from "./views/signin.js";
import { Vm } from "./views/vm.js";

await startSession();

const TABS = [
  ["Overview", []],
  ["VMs", ["vms"]],
  ["Jobs", ["jobs"]],
  ["Drills", ["drills"]],
  ["Report", ["reports"]],
];

function App() {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const changed = () => {
      forget();
      setTurn((n) => n + 1);
    };
    window.addEventListener("dr-session", changed);
    return () => window.removeEventListener("dr-session", changed);
  }, []);
  return html`<${Page} key=${turn} />`;
}

function Page() {
  const { path, query } = useRoute();
  const main = useRef();
  const address = path.join("/");
  const shown = useRef(address);
  useEffect(() => {
    document.title = `${path.at(-1) || "Overview"} · VM protection`;
    if (shown.current !== address) {
      shown.current = address;
      main.current.focus();
      scrollTo(0, 0);
    }
  }, [address]);
  return html`
    <header>
      <a class="skip" href="#main" onClick=${(event) => (event.preventDefault(), main.current.focus())}>Skip to the content</a>
      <span class="name">VM protection</span>
      <nav aria-label="Views">
        ${TABS.map(([title, to]) => html`<a href=${href(to)} aria-current=${(path[0] === "vm" ? "vms" : path[0]) === to[0] ? "page" : null}>${title}</a>`)}
      </nav>
      ${signedIn() && html`<${Status} />${userName()}<button type="button" class="plain" onClick=${signOut}>${entra ? "Sign out" : "Forget the key"}</button>`}
    </header>
    <main id="main" ref=${main} tabindex="-1"><${Guard} key=${address}>${signedIn() ? html`<${View} path=${path} query=${query} />` : html`<${SignIn} />`}<//></main>
    <footer><a href="/api/ui/vendor/licenses.txt">Licences</a></footer>
  `;
}

function View({ path, query }) {
  const [view, ...rest] = path;
  if (!view) return html`<${Overview} />`;
  if (view === "vms") return html`<${Estate} query=${query} />`;
  if (view === "jobs") return html`<${Jobs} query=${query} />`;
  if (view === "drills" && rest.length < 2) return rest.length ? html`<${Batch} name=${rest[0]} />` : html`<${Drills} key=${query.after} query=${query} />`;
  if (view === "reports") return html`<${Reports} query=${query} />`;
  if (view === "vm" && rest.length === 3) return html`<${Vm} subscription=${rest[0]} group=${rest[1]} name=${rest[2]} />`;
  return html`<div class="panel"><h1>There is no such view</h1><p><a href=${href([])}>Overview</a></p></div>`;
}

/** Always there: what the app may do, and how old its knowledge is. */
function Status() {
  const status = useData("status", 30);
  const { data } = status;
  if (!data) return status.error && status.error.status !== 401 ? html`<${Badge} tone="bad">status: ${status.error.title}<//>` : html`<span class="status"></span>`;
  const { lastSweep, sweep } = data;
  return html`<div class="status">
    <${Badge} tone=${data.writesDisabled ? "warn" : "calm"}>${data.paused ? "paused" : `mode: ${data.mode}`}<//>
    <span>${sweep ? html`sweep under way since <${Time} at=${sweep.since} />` : lastSweep ? html`swept <${Time} at=${lastSweep.endedAt || lastSweep.readAt} />` : "no sweep has ended yet"}</span>
    <${Sweep} status=${data} done=${status.reload} />
    ${lastSweep && lastSweep.outcome !== "complete" && html`<${Badge} tone="bad">${lastSweep.outcome}${lastSweep.gapCount ? `, ${lastSweep.gapCount} gaps` : ""}<//>`}
    ${status.error && html`<${Badge} tone="bad">${status.error.title}: shown as of <${Time} at=${data.at} /><//>`}
  </div>`;
}

/** An error of the page itself is shown, and leaves the other views alone. */
function Guard({ children }) {
  const [error] = useErrorBoundary();
  return error ? html`<div class="problem" role="alert"><p><strong>This view failed: an error of the page.</strong></p><p>${String(error)}</p></div>` : children;
}

const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} />`, root);
