/** A question before something that can't be undone. */

import { html, useEffect, useRef, useState } from "./html.js";
import { Failure } from "./states.js";

/**
 * A button that asks before it acts.
 * @param {{label: string, question: string, confirm: string, act: () => Promise<void>, children?: any}} props
 */
export function Confirmed({ label, question, confirm, act, children }) {
  const [isOpen, setOpen] = useState(false);
  return html`<button type="button" onClick=${() => setOpen(true)}>${label}</button>
    ${isOpen ? html`<${Question} question=${question} confirm=${confirm} act=${act} close=${() => setOpen(false)}>${children}</${Question}>` : null}`;
}

function Question({ question, confirm, act, close, children }) {
  const dialog = useRef(null);
  const [state, setState] = useState({ busy: false, error: null });
  useEffect(() => dialog.current?.showModal(), []);
  const go = async () => {
    if (state.busy) return;
    setState({ busy: true, error: null });
    try {
      await act();
      close();
    } catch (error) {
      setState({ busy: false, error: /** @type {Error} */ (error) });
    }
  };
  return html`<dialog ref=${dialog} onClose=${close} aria-label=${question}>
    <h2>${question}</h2>
    ${children}
    ${state.error ? html`<${Failure} error=${state.error} />` : null}
    <div class="actions">
      <button type="button" class="danger" onClick=${go} aria-disabled=${state.busy}>${state.busy ? "Working …" : confirm}</button>
      <button type="button" onClick=${close}>Cancel</button>
    </div>
  </dialog>`;
}

/** A secret that is shown once. @param {{label: string, secret: string, children?: any}} props */
export function Secret({ label, secret, children }) {
  const [isCopied, setCopied] = useState(false);
  const copy = () => navigator.clipboard.writeText(secret).then(() => setCopied(true), () => {});
  return html`<div class="notice warn" role="status">
    <p><strong>${label}</strong> is shown only now. Store it before you leave this screen.</p>
    <p><code>${secret}</code></p>
    <p><button type="button" onClick=${copy}>${isCopied ? "Copied" : "Copy"}</button></p>
    ${children}
  </div>`;
}
