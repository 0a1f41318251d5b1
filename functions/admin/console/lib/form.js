/** Forms: a message beside each field that the API refuses, and one for what no field shows. */

import { html, useId, useState } from "./html.js";
import { Problem } from "./api.js";
import { Failure } from "./states.js";

/**
 * A labelled input. `field` is the name the API reports its errors under.
 * @param {{label: string, value: string, onChange: (value: string) => void, field?: string, error?: Error | null,
 *   hint?: any, type?: string, options?: [string, string][], rows?: number, required?: boolean,
 *   autocomplete?: string, list?: string[], inputmode?: string}} props
 */
export function Field({ label, value, onChange, field, error, hint, type = "text", options, rows, list, ...rest }) {
  const id = useId();
  const fault = faultOf(error, field);
  const described = [hint ? `${id}-hint` : "", fault ? `${id}-error` : ""].filter(Boolean).join(" ") || undefined;
  const common = {
    id,
    value,
    "aria-describedby": described,
    "aria-invalid": fault ? "true" : undefined,
    onInput: (event) => onChange(event.currentTarget.value),
    ...rest,
  };
  return html`<div class=${`field${fault ? " wrong" : ""}`}>
    <label for=${id}>${label}</label>
    ${hint ? html`<p class="hint" id=${`${id}-hint`}>${hint}</p>` : null}
    ${options
      ? html`<select ...${common}>${options.map(([code, text]) => html`<option value=${code}>${text}</option>`)}</select>`
      : rows
        ? html`<textarea rows=${rows} spellcheck="false" ...${common}></textarea>`
        : html`<input type=${type} list=${list ? `${id}-list` : undefined} ...${common} />`}
    ${list ? html`<datalist id=${`${id}-list`}>${list.map((item) => html`<option value=${item} />`)}</datalist>` : null}
    ${fault ? html`<p class="error" id=${`${id}-error`}>${sentence(fault.message)}</p>` : null}
  </div>`;
}

/**
 * A form that sends by `onSubmit` and shows what was refused.
 * @param {{onSubmit: () => Promise<void>, fields?: string[], submit: string, busy?: string, children: any,
 *   onError?: (error: Error | null) => void}} props `fields`: those whose errors a `Field` shows
 */
export function Form({ onSubmit, fields = [], submit, busy = "Sending …", children, onError = () => {} }) {
  const [state, setState] = useState({ error: null, sending: false });
  const send = async (event) => {
    event.preventDefault();
    if (state.sending) return;
    setState({ error: null, sending: true });
    onError(null);
    try {
      await onSubmit();
      setState({ error: null, sending: false });
    } catch (error) {
      setState({ error: /** @type {Error} */ (error), sending: false });
      onError(/** @type {Error} */ (error));
    }
  };
  return html`<form onSubmit=${send} novalidate>
    ${children}
    ${state.error ? html`<${Refusal} error=${state.error} fields=${fields} />` : null}
    <p><button type="submit" class="primary" aria-disabled=${state.sending}>${state.sending ? busy : submit}</button></p>
  </form>`;
}

/** Show why a request was refused, without what its fields show. @param {{error: Error, fields: string[]}} props */
export function Refusal({ error, fields }) {
  const others = error instanceof Problem ? error.errors.filter((fault) => !fields.some((name) => concerns(fault, name))) : [];
  if (!(error instanceof Problem) || error.errors.length === 0) return html`<${Failure} error=${error} />`;
  return html`<div class="notice bad" role="alert">
    <p>${others.length === 0 ? "Please correct the fields marked above." : "The service refused this:"}</p>
    ${others.length ? html`<ul>${others.map((fault) => html`<li>${fault.field ? html`<code>${fault.field}</code>: ` : ""}${fault.message}</li>`)}</ul>` : null}
  </div>`;
}

function faultOf(error, field) {
  if (!field || !(error instanceof Problem)) return undefined;
  return error.errors.find((fault) => concerns(fault, field));
}

function concerns(fault, field) {
  return fault.field === field || fault.field.startsWith(`${field}.`) || fault.field.startsWith(`${field}[`);
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
