// What is asked of who opens the page: a function key, or to sign in with Microsoft Entra.
import { html, useState } from "../html.js";
import { canSignIn, entra, sessionProblem, setKey, signIn } from "../session.js";

export const SignIn = () => (!entra ? html`<${KeyForm} />` : html`<div class="panel signin">
  <h1>Sign in to see the VMs</h1>
  <${Rejected} />
  <p>The app role that you have decides what you may do here. Who has one sees every VM.</p>
  ${canSignIn() && html`<button type="button" class="primary" onClick=${signIn}>Sign in with Microsoft Entra</button>`}
</div>`);

const Rejected = () => sessionProblem() && html`<p class="problem" role="alert">${sessionProblem()}</p>`;

/** The key stays in this tab. */
function KeyForm() {
  const [key, change] = useState("");
  const submit = (event) => {
    event.preventDefault();
    setKey(key.trim());
  };
  return html`<form class="panel signin" onSubmit=${submit}>
    <h2>A function key is needed</h2>
    <${Rejected} />
    <p>It is kept in this tab until you close it, and sent as a header only. Who has a key sees every VM.</p>
    <p class="quiet"><code>az functionapp keys list --ids "$DR_APP_ID" --query functionKeys</code></p>
    <label>Function key <input type="password" autocomplete="off" spellcheck=${false} required value=${key} onInput=${(event) => change(event.target.value)} /></label>
    <button type="submit" class="primary">Show the VMs</button>
  </form>`;
}
