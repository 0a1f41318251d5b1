/** The correction of one record: the change, its effect on the amount, the confirmation. */

import { getAll, path, send } from "../lib/api.js";
import { difference } from "../lib/decimal.js";
import { amount, period, units } from "../lib/format.js";
import { Field, Form, Refusal } from "../lib/form.js";
import { html, useState } from "../lib/html.js";
import { Table } from "../lib/table.js";
import { chargeName } from "../lib/words.js";

const MOST_RECORDS = 5000;

export function Correction({ record, usage, zone, reload }) {
  const [kind, setKind] = useState("correct");
  const [quantity, setQuantity] = useState(record.quantity);
  const [reason, setReason] = useState("");
  const [preview, setPreview] = useState(null);
  const [done, setDone] = useState("");
  const [error, setError] = useState(null);
  const changed = (set) => (value) => {
    set(value);
    setPreview(null);
  };
  const show = async () => setPreview(await effect(record, usage, kind === "void" ? null : quantity.trim()));
  const confirm = async () => {
    setDone(kind === "void" ? await voided(record, reason) : await corrected(record, quantity.trim(), reason));
    setPreview(null);
    reload();
  };
  return html`<h2>What is right</h2>
    ${done ? html`<div class="notice" role="status"><p>${done}</p></div>` : null}
    <${Form} submit="Show what this changes" busy="Calculating …" fields=${["quantity"]} onSubmit=${show} onError=${setError}>
      <${Field} label="Change" value=${kind} onChange=${changed(setKind)} options=${[["correct", "Correct the quantity"], ["void", "Void the record: it no longer counts"]]} />
      ${kind === "correct" ? html`<${Field} label="Right quantity" field="quantity" error=${error} value=${quantity} onChange=${changed(setQuantity)} inputmode="decimal" />` : null}
      <${Field} label="Reason" value=${reason} onChange=${setReason} hint="Stored with the record, for whoever asks later" />
    </${Form}>
    ${preview ? html`<${Effect} preview=${preview} zone=${zone} confirm=${confirm} kind=${kind} cancel=${() => setPreview(null)} />` : null}`;
}

function Effect({ preview, zone, kind, confirm, cancel }) {
  const [state, setState] = useState({ busy: false, error: null });
  const go = async () => {
    if (state.busy) return;
    setState({ busy: true, error: null });
    try {
      await confirm();
    } catch (error) {
      setState({ busy: false, error: /** @type {Error} */ (error) });
    }
  };
  const { usage, rows } = preview;
  return html`<section aria-label="What this changes" class="card">
    <h3>What this changes</h3>
    <p>${usage === null ? "Your key may not read amounts, so their change is not shown." : consequence(usage, zone)}</p>
    ${rows.length ? html`<${Table} caption="Amounts" name="correction" level=${4} plain=${true} rows=${rows} columns=${[
      { label: "Charge", value: (row) => row.name },
      { label: "Before", value: (row) => row.before, show: (row) => amount(row.before, row.currency), isNumber: true },
      { label: "After", value: (row) => row.after, show: (row) => (row.after === null ? "not known" : amount(row.after, row.currency)), isNumber: true },
      { label: "Difference", value: (row) => row.difference, show: (row) => (row.difference === null ? "not known" : amount(row.difference, row.currency)), isNumber: true },
    ]} />` : null}
    ${preview.note ? html`<p class="muted">${preview.note}</p>` : null}
    ${state.error ? html`<${Refusal} error=${state.error} fields=${[]} />` : null}
    <div class="actions">
      <button type="button" class=${kind === "void" ? "danger" : "primary"} aria-disabled=${state.busy} onClick=${go}>${state.busy ? "Sending …" : kind === "void" ? "Void the record" : "Correct the record"}</button>
      <button type="button" onClick=${cancel}>Cancel</button>
    </div>
  </section>`;
}

function consequence(usage, zone) {
  const name = period(usage.period_start, usage.period_end, zone);
  return usage.state === "open"
    ? `The record is in the open period ${name}: its amount changes with the next rating, before it is invoiced.`
    : `The record is in ${name}, which was invoiced. The invoice stays as it is; the difference is billed as an adjustment in the open period.`;
}

/**
 * Return each charge's amount before and after a change; `quantity` is null for a record that is voided.
 * @param {string | null} quantity
 */
async function effect(record, usage, quantity) {
  const metric = usage?.metrics.find((each) => each.metric === record.metric);
  if (!metric) return { usage, rows: [], note: usage ? "No charge applies to this metric." : "" };
  const range = { from: usage.period_start, to: usage.period_end };
  const records = await getAll("usage", { subscription: record.subscription, metric: record.metric, ...range }, MOST_RECORDS);
  const others = records.filter((each) => !(each.idempotency_key === record.idempotency_key && each.source === record.source));
  const after = [...others, ...(quantity === null ? [] : [{ ...record, quantity }])].map(asEstimated);
  const isWhole = records.length < MOST_RECORDS;
  const period = { subscription: record.subscription, period_start: usage.period_start };
  const rows = await Promise.all(metric.charges.map((charge) => compared(charge, metric.charges, period, isWhole ? after : null)));
  const note = isWhole ? "Calculated at the price of this period." : "This period has too many records to calculate the amount here.";
  return { usage, rows, note };
}

async function compared(charge, charges, period, records) {
  const amountOf = async (more) => (await send("POST", "estimates", { body: { charge_code: charge.charge, ...period, ...more } })).amount;
  const before = await amountOf({});
  const after = records && (await amountOf({ records }));
  return { name: chargeName(charge, charges), currency: charge.currency, before, after, difference: after && difference(after, before) };
}

function asEstimated({ quantity, period_start, period_end, member, properties }) {
  return { quantity, period_start, period_end, ...(member ? { member } : {}), ...(properties ? { properties } : {}) };
}

async function corrected(record, quantity, reason) {
  const { idempotency_key, subscription, metric, period_start, period_end, member, properties, source } = record;
  const body = { idempotency_key, subscription, metric, period_start, period_end, quantity, source, member, properties, reason: reason || undefined };
  const result = await send("POST", "usage", { body });
  return result.outcome === "unchanged" ? "The record has this quantity already." : `The record was corrected to ${units(quantity)}; this is revision ${result.revision}.`;
}

async function voided(record, reason) {
  const result = await send("DELETE", path`usage/${record.idempotency_key}`, { query: { source: record.source }, body: reason ? { reason } : {} });
  return result.outcome === "voided" ? "The record was voided: it no longer counts." : "The record was voided before.";
}
