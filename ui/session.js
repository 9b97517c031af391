// How calls are authorized: by a function key, or where the shell says so by a token of Microsoft Entra, for which
// alone MSAL.js is loaded.

const KEY = "dr-key";
const FRAGMENT = "#key=";

/** `authority` and `clientId` where callers need a token of Entra; null where they need a function key. */
export const entra = document.querySelector('meta[name="entra"]')?.dataset ?? null;

let client; // of MSAL, once it has started
let problem = "";
/** Why the last key or token is of no use, or the last sign-in failed; "" if nothing is known against it. */
export const sessionProblem = () => problem;

export const signedIn = () => (entra ? Boolean(client?.getActiveAccount()) : sessionStorage.getItem(KEY) !== null);

/** The name of who is signed in: "" for the holder of a key. */
export const userName = () => client?.getActiveAccount()?.username ?? "";

function changed(reason) {
  problem = reason;
  window.dispatchEvent(new Event("dr-session"));
}

/** Takes what the address brings, a key or the answer of a sign-in, out of it and of the history: to be awaited before
 * the first view, which the rest of the address names. The window has an event `dr-session` for each later change. */
export async function startSession() {
  if (entra) await startMsal().catch((error) => (problem = error.message));
  else {
    takeKey();
    window.addEventListener("hashchange", takeKey);
  }
  if (!/^(#\/|#?$)/.test(location.hash)) history.replaceState(null, "", location.pathname);
}

function takeKey() {
  if (!location.hash.startsWith(FRAGMENT)) return;
  const given = location.hash.slice(FRAGMENT.length);
  history.replaceState(null, "", location.pathname);
  try {
    if (given) setKey(decodeURIComponent(given));
  } catch {
    changed("The address held a key that is not one: a part of it may be missing.");
  }
}

/** Keeps a function key for this tab. */
export function setKey(key) {
  sessionStorage.setItem(KEY, key);
  changed("");
}

async function startMsal() {
  const { authority, clientId } = entra;
  if (!authority) throw new Error("Nobody can sign in here: the app's settings DR_AUTH_CLIENT_ID and DR_AUTH_AUTHORITY are needed, and one is empty.");
  await import("./vendor/msal-browser.min.js"); // of the kind that sets a global
  const redirectUri = `${location.origin}/api/ui/`;
  const made = new globalThis.msal.PublicClientApplication({
    // A known authority is asked itself: no other host says where it is.
    auth: { clientId, authority, knownAuthorities: [new URL(authority).host], redirectUri, postLogoutRedirectUri: redirectUri },
    cache: { cacheLocation: "sessionStorage" },
  });
  await made.initialize();
  client = made;
  const answer = await client.handleRedirectPromise();
  if (answer) client.setActiveAccount(answer.account);
}

const scopes = () => [`${entra.clientId}/user_impersonation`];

/** Whether MSAL.js has started. */
export const canSignIn = () => Boolean(client);

/** Leaves the page for Entra, which leads back to this address. */
export const signIn = () => client.loginRedirect({ scopes: scopes() }).catch((error) => changed(error.message));

/** Forgets the key or the tokens; with Entra it leaves the page, for the sign-out there. */
export function signOut() {
  if (!entra) return endSession("");
  return client.logoutRedirect({ account: client.getActiveAccount() }).catch((error) => changed(error.message));
}

/** What was known of the caller is of no use any more: it is asked for again, with this reason. */
export function endSession(reason) {
  if (entra) client.setActiveAccount(null);
  else sessionStorage.removeItem(KEY);
  changed(reason);
}

/** The headers that authorize a call. Throws what MSAL throws when a token cannot be renewed now; a session that
 * nothing but another sign-in renews is ended before. */
export async function authorization() {
  if (!entra) return signedIn() ? { "x-functions-key": sessionStorage.getItem(KEY) } : {};
  const { CacheLookupPolicy, InteractionRequiredAuthError } = globalThis.msal;
  try {
    // Not by a hidden frame, the last resort otherwise: the page may be in no frame.
    const cacheLookupPolicy = CacheLookupPolicy.AccessTokenAndRefreshToken;
    const { accessToken } = await client.acquireTokenSilent({ scopes: scopes(), cacheLookupPolicy });
    return { authorization: `Bearer ${accessToken}` };
  } catch (error) {
    const ended = error.errorCode === "invalid_grant" || error instanceof InteractionRequiredAuthError;
    if (ended) endSession(`The sign-in has ended. ${error.message}`);
    throw error;
  }
}
