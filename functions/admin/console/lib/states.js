/** What a screen shows while it loads, when there is nothing, and when something failed: never a blank page. */

import { Problem } from "./api.js";
import { html, useEffect, useRef, useState } from "./html.js";

/**
 * @typedef {object} Loading
 * @property {"loading" | "ready" | "error"} status
 * @property {any} [data]
 * @property {Error} [error]
 * @property {() => void} reload
 */

/**
 * Load data whenever `inputs` change.
 * @param {() => Promise<any>} load
 * @param {unknown[]} inputs
 * @returns {Loading}
 */
export function useData(load, inputs) {
  const [attempt, setAttempt] = useState(0);
  const [state, setState] = useState({ status: "loading" });
  const shown = useRef(null);
  useEffect(() => {
    let isCurrent = true;
    // What is loaded again stays shown meanwhile, and with it what was typed there.
    const isSame = shown.current?.every((input, index) => input === inputs[index]) ?? false;
    shown.current = inputs;
    setState((before) => (isSame && before.status === "ready" ? before : { status: "loading" }));
    load().then(
      (data) => isCurrent && setState({ status: "ready", data }),
      (error) => isCurrent && setState({ status: "error", error }),
    );
    return () => {
      isCurrent = false;
    };
  }, [...inputs, attempt]);
  return { ...state, reload: () => setAttempt((count) => count + 1) };
}

/**
 * Show what was loaded by `children`, a function of the data.
 * @param {{from: Loading, what?: string, children: (data: any) => any}} props
 */
export function Loaded({ from, what = "data", children }) {
  if (from.status === "error") return html`<${Failure} error=${from.error} retry=${from.reload} />`;
  if (from.status === "loading") return html`<p class="muted" role="status">Loading ${what} …</p>`;
  return children(from.data);
}

export function Failure({ error, retry }) {
  const isProblem = error instanceof Problem;
  const missing = isProblem && error.code === "missing_scope";
  return html`<div class="notice bad" role="alert">
    <p>${missing ? `You can't see this: ${error.message}.` : error?.message ?? "Something went wrong."}</p>
    ${isProblem && error.document.reference ? html`<p>Reference: <code>${error.document.reference}</code></p>` : null}
    ${retry && !missing ? html`<button type="button" onClick=${retry}>Retry</button>` : null}
  </div>`;
}

export function Empty({ children }) {
  return html`<p class="empty">${children}</p>`;
}
