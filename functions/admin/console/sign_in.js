/** The way in: an API key for a session. */

import { html, useState } from "./lib/html.js";
import { Field, Form } from "./lib/form.js";
import { Problem, SERVICE } from "./lib/api.js";
import { signIn } from "./lib/session.js";

const ISSUER = document.getElementById("app")?.dataset.issuer;
let failed = /^\?sign_in=([a-z_]+)$/.exec(location.search)?.[1];

/** What to do about a sign-in that failed. @type {Record<string, string>} */
const FAILURES = {
  no_access: "Your account has no access to this service. Ask its operator to add you to a group that has, then sign in again.",
  denied: `You were not signed in at ${ISSUER}. Sign in again, or with an API key.`,
  sign_in_expired: "It took longer than ten minutes, or began in another browser. Sign in again.",
  invalid_state: "It was not the sign-in that this browser began last. Sign in again.",
  issuer_unavailable: `${ISSUER} does not respond. Sign in again in a few minutes, or with an API key.`,
};

export function SignIn({ ended }) {
  const [key, setKey] = useState("");
  const [error, setError] = useState(null);
  const refused = error instanceof Problem && error.status === 401;
  return html`<main class="center sign-in">
    <h1>Fusion Billing</h1>
    ${ended
      ? html`<div class="notice" role="status"><p>Your session has ended. Sign in to go on where you were.</p></div>`
      : null}
    ${failed
      ? html`<div class="notice bad" role="alert"><p>Signing in did not work.</p>
          <p>${FAILURES[failed] ?? html`Sign in again. If it fails again, give the operator this code: <code>${failed}</code>`}</p></div>`
      : null}
    <${Form} submit="Sign in" busy="Signing in …" fields=${["key"]} onError=${setError}
      onSubmit=${async () => {
        await signIn(key.trim());
        failed = undefined;
        if (location.search) history.replaceState(null, "", location.pathname + location.hash);
      }}>
      <${Field} label="API key" type="password" autocomplete="current-password" field="key" value=${key}
        onChange=${setKey} error=${error}
        hint="Starts with fb_. It is exchanged for a session of eight hours and not stored in the browser." />
    </${Form}>
    ${ISSUER ? html`<p><a href=${`${SERVICE}v1/sessions/oidc?return_to=${encodeURIComponent(location.hash)}`}>Sign in with ${ISSUER}</a></p>` : null}
    ${refused ? html`<p class="hint">An operator creates keys on the screen “Sources and keys”, or with
      <code>python -m fusion_billing.bootstrap</code>.</p>` : null}
  </main>`;
}
