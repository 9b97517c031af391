// The address is in the fragment: #/vms?state=Failed. Filters and sort order live there, so that a link shows the same.
import { useEffect, useState } from "./html.js";

export function href(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value);
  const text = new URLSearchParams(given).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}

export const vmHref = ({ subscription, group, name }) => href(["vm", subscription, group, name]);

function parse(hash) {
  const [path, query] = hash.replace(/^#\/?/, "").split("?", 2);
  let parts;
  try {
    parts = path.split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    parts = ["malformed"];
  }
  return { path: parts, query: Object.fromEntries(new URLSearchParams(query || "")) };
}

export function useRoute() {
  const [route, setRoute] = useState(() => parse(location.hash));
  useEffect(() => {
    const changed = () => setRoute(parse(location.hash));
    window.addEventListener("hashchange", changed);
    window.addEventListener("popstate", changed);
    return () => {
      window.removeEventListener("hashchange", changed);
      window.removeEventListener("popstate", changed);
    };
  }, []);
  return route;
}

/** Another filter of the same view: it takes no step of the back button. */
export function replace(path, query) {
  history.replaceState(null, "", href(path, query));
  window.dispatchEvent(new PopStateEvent("popstate"));
}
