/** The change of a definition: what it would change, then its confirmation. For metrics and charges alike. */

import { path, send } from "../lib/api.js";
import { Form, Refusal } from "../lib/form.js";
import { Field } from "../lib/form.js";
import { amount, dateTime, quantity, units } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { go, link } from "../lib/router.js";
import { Table } from "../lib/table.js";

/** What the server adds to a definition; a PUT does not take it. */
const READ_ONLY = ["code", "versions", "history", "version"];

/** Return a definition as a PUT takes it. */
export function editable(shown) {
  const kept = Object.entries(shown).filter(([name, value]) => !READ_ONLY.includes(name) && value !== null);
  return Object.fromEntries(kept);
}

/**
 * A form around a definition's fields, with the dry run and the confirmation.
 * @param {{kind: "metrics" | "charges", code: string, version: number | undefined, body: () => any, fields: string[],
 *   onError: (error: Error | null) => void, changed: unknown, children: any}} props
 *   `changed`: changes with every edit, which makes a dry run out of date
 */
export function DefinitionForm({ kind, code, version, body, fields, onError, changed, children }) {
  const [run, setRun] = useState(null);
  const [saved, setSaved] = useState("");
  const target = path`${kind}/${code.trim()}`;
  const sent = () => ({ ...body(), ...(version === undefined ? {} : { version }) });
  const preview = async () => {
    if (!code.trim()) throw new Error("A code is required.");
    setSaved("");
    setRun({ result: await send("PUT", target, { query: { dry_run: "true" }, body: sent() }), of: changed });
  };
  const save = async (reason) => {
    const confirm = run?.result.confirm?.join(",");
    await send("PUT", target, { query: { confirm, reason }, body: sent() });
    setSaved("Saved. The next rating uses it.");
    setRun(null);
    go(link(["catalog", kind, code.trim()]), true);
  };
  const isCurrent = run !== null && run.of === changed;
  return html`<${Form} submit="Show what this changes" busy="Calculating …" fields=${fields} onSubmit=${preview} onError=${onError}>${children}</${Form}>
    ${isCurrent ? html`<${DryRun} result=${run.result} save=${save} />` : null}
    ${saved ? html`<div class="notice" role="status"><p>${saved}</p></div>` : null}`;
}

function DryRun({ result, save }) {
  const [reason, setReason] = useState("");
  const [state, setState] = useState({ busy: false, error: null });
  const confirm = async () => {
    if (state.busy) return;
    setState({ busy: true, error: null });
    try {
      await save(reason);
    } catch (error) {
      setState({ busy: false, error: /** @type {Error} */ (error) });
    }
  };
  return html`<section class="card" aria-label="What this changes">
    <h2>What this changes</h2>
    <p>${inWords(result)}</p>
    ${result.totals?.length ? html`<${Table} caption="Open periods in all" name="dry-run-totals" level=${3} plain=${true} rows=${result.totals} columns=${TOTALS} />` : null}
    ${result.subscriptions?.length ? html`<${Table} caption="Open periods that change" name="dry-run" level=${3} rows=${result.subscriptions} columns=${CHANGES} pageSize=${10} />` : null}
    ${result.truncated ? html`<p class="muted">This is a part: not every subscription was calculated.</p>` : null}
    ${result.confirm?.length ? html`<div class="notice warn"><p>This changes how open periods are rated (${result.confirm.join(", ")}).</p></div>` : null}
    <${Field} label="Reason" value=${reason} onChange=${setReason} hint="Stored in the history" />
    ${state.error ? html`<${Refusal} error=${state.error} fields=${[]} />` : null}
    <p><button type="button" class="primary" onClick=${confirm} aria-disabled=${state.busy}>${state.busy ? "Saving …" : "Save"}</button></p>
  </section>`;
}

function inWords(result) {
  if (result.outcome === "unchanged") return "Nothing: it is as it is stored.";
  const what = result.outcome === "created" ? "It is new." : `It changes ${result.changed_fields.join(", ")}.`;
  return `${what} Of ${quantity(String(result.evaluated), "subscription")}, the amount of ${units(result.changed_subscriptions)} changes.`;
}

/** @type {import("../lib/table.js").Column[]} */
const TOTALS = [
  { label: "Currency", value: (row) => row.currency },
  { label: "Before", value: (row) => row.before, show: (row) => amount(row.before, row.currency), isNumber: true },
  { label: "After", value: (row) => row.after, show: (row) => amount(row.after, row.currency), isNumber: true },
  { label: "Difference", value: (row) => row.difference, show: (row) => amount(row.difference, row.currency), isNumber: true },
];

function figure(side) {
  return side === null ? "does not apply" : (side.error ?? amount(side.amount, side.currency));
}

/** @type {import("../lib/table.js").Column[]} */
const CHANGES = [
  { label: "Subscription", value: (row) => row.subscription, show: (row) => html`<a href=${link(["subscription", row.subscription])}>${row.subscription}</a>` },
  { label: "Charge", value: (row) => row.charge },
  { label: "Before", value: (row) => row.before?.amount, show: (row) => figure(row.before), isNumber: true },
  { label: "After", value: (row) => row.after?.amount, show: (row) => figure(row.after), isNumber: true },
];

export function Changes({ history, name }) {
  return html`<${Table} caption="Changes" name=${`changes-${name}`} rows=${history ?? []} pageSize=${10} empty="No changes are recorded." columns=${[
    { label: "When", value: (change) => change.changed_at, show: (change) => dateTime(change.changed_at) },
    { label: "Who", value: (change) => change.actor },
    { label: "What", value: (change) => change.cause },
    { label: "Why", value: (change) => change.reason ?? "" },
  ]} />`;
}
