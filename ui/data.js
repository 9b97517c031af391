// Data of the API in a component: read when shown, again after a while, and kept with its age when a read fails.
import { get, now } from "./api.js";
import { useEffect, useState } from "./html.js";

const RETRY = 15; // seconds after an error that names no time

/** When the tab is seen: nobody reads a hidden page. */
export const seen = () =>
  document.visibilityState === "visible"
    ? Promise.resolve()
    : new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));

/** `{data, at, error, since, reload}` of a GET that is repeated every so many seconds; `since` is when the read in
 * progress began. Another path needs another component (`key`). */
export function useData(path, seconds) {
  const [state, setState] = useState({});
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const control = new AbortController();
    let timer;
    const again = (after) => {
      timer = setTimeout(() => seen().then(() => control.signal.aborted || setTurn((n) => n + 1)), after * 1000);
    };
    setState((old) => ({ ...old, since: now() }));
    get(path, control.signal).then(
      (data) => {
        setState({ data, at: now() });
        if (seconds) again(typeof seconds === "function" ? seconds(data) : seconds);
      },
      (error) => {
        if (control.signal.aborted) return;
        const retry = retryOf(error);
        setState((old) => ({ ...old, since: null, error, retryAt: retry && now() + retry * 1000 }));
        if (retry) again(retry);
      },
    );
    return () => {
      control.abort();
      clearTimeout(timer);
    };
  }, [path, turn]);
  return { ...state, reload: () => setTurn((n) => n + 1) };
}

/** The seconds after which to try again by itself; null for what a repetition does not change. */
export function retryOf(error) {
  const { status, retryAfter } = error;
  return status === 0 || status === 429 || status >= 500 ? retryAfter || RETRY : null;
}
