/** The way in: an API key for a session. */

import { html, useState } from "./lib/html.js";
import { Field, Form } from "./lib/form.js";
import { Problem, SERVICE } from "./lib/api.js";
import { signIn } from "./lib/session.js";

const ISSUER = document.getElementById("app")?.dataset.issuer;
const FAILED = /^\?sign_in=([a-z_]+)$/.exec(location.search)?.[1];

export function SignIn({ ended }) {
  const [key, setKey] = useState("");
  const [error, setError] = useState(/** @type {Error | null} */ (null));
  const refused = error instanceof Problem && error.status === 401;
  return html`<main class="center sign-in">
    <h1>Fusion Billing</h1>
    ${ended
      ? html`<div class="notice" role="status"><p>Your session has ended. Sign in to go on where you were.</p></div>`
      : null}
    <${Form} submit="Sign in" busy="Signing in …" fields=${["key"]} onError=${setError}
      onSubmit=${async () => {
        await signIn(key.trim());
      }}>
      <${Field} label="API key" type="password" autocomplete="current-password" field="key" value=${key}
        onChange=${setKey} error=${error}
        hint="Starts with fb_. It is exchanged for a session of eight hours and not stored in the browser." />
    </${Form}>
    ${ISSUER ? html`<p><a href=${`${SERVICE}v1/sessions/oidc?return_to=${encodeURIComponent(location.hash)}`}>Sign in with ${ISSUER}</a></p>` : null}
    ${FAILED ? html`<p class="error" role="alert">Signing in did not work: ${FAILED.replaceAll("_", " ")}.</p>` : null}
    ${refused ? html`<p class="hint">An operator creates keys on the screen “Sources and keys”, or with
      <code>python -m fusion_billing.bootstrap</code>.</p>` : null}
  </main>`;
}
