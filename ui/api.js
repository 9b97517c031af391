// Calls of the HTTP API: errors as problem documents, and the clock of the server.
import { authorization, endSession, entra, signedIn } from "./session.js";

const API = "/api/";
const REFUSED = `The function app answered 401: ${entra ? "it does not take the token." : "the key is wrong, or was renewed."}`;

let skew = 0; // the server's clock minus the browser's, in milliseconds
export const now = () => Date.now() + skew;

/** An error of the API, of something before it, or of the network: `status` is 0 without a response. */
export class ApiError extends Error {
  constructor(status, problem, retryAfter) {
    super(problem.detail);
    this.status = status;
    this.title = problem.title || `HTTP ${status}`;
    this.code = problem.code || "";
    this.findings = problem.findings || [];
    this.errors = problem.errors || [];
    this.retryAfter = retryAfter;
  }
}

/** The JSON of a GET. */
export const get = async (path, signal) => (await call("GET", path, { signal })).body;

/** The response of any method: `status`, `body`, `headers`. Raises ApiError. */
export async function call(method, path, { body, signal } = {}) {
  const response = await fetchApi(method, path, body, signal);
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : null, headers: response.headers };
}

/** Saves the response of a GET as a file: what authorizes it is a header, which no link can send. `change` makes another text of it. */
export async function download(path, name, change) {
  const response = await fetchApi("GET", path);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(change ? new Blob([change(await response.text())], { type: "text/csv" }) : await response.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** The path below /api of a link in a response, which is a relative reference. */
export const pathOf = (link) => (link ? link.slice(API.length) : null);

async function fetchApi(method, path, body, signal) {
  const headers = await authorization().catch((error) => {
    throw new ApiError(signedIn() ? 0 : 401, { title: "No token", detail: error.message });
  });
  if (body !== undefined) headers["content-type"] = "application/json";
  const request = { method, headers, signal, cache: "no-store", credentials: "same-origin", redirect: "error" };
  let response;
  try {
    response = await fetch(API + path, body === undefined ? request : { ...request, body: JSON.stringify(body) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, { title: "No answer", detail: "The function app cannot be reached from this browser." });
  }
  const date = Date.parse(response.headers.get("date"));
  if (date && Math.abs(date - Date.now()) > 5_000) skew = date - Date.now();
  if (response.ok) return response;
  if (response.status === 401) endSession(REFUSED);
  throw new ApiError(response.status, await problemOf(response), Number(response.headers.get("retry-after")) || null);
}

async function problemOf(response) {
  try {
    const problem = await response.json();
    if (problem?.detail) return problem;
  } catch {
    // Not the app's own: the platform, or something in front of it.
  }
  return { title: response.statusText, detail: `The function app answered ${response.status} without an explanation.` };
}
