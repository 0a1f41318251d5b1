/** Statements of closed periods: what was rated, what was invoiced, and the hash that proves it. */

import { get, path } from "../lib/api.js";
import { amount, date, dateTime, period, units } from "../lib/format.js";
import { html } from "../lib/html.js";
import { Empty, Loaded, useData } from "../lib/states.js";
import { Table } from "../lib/table.js";
import { chargeName, named } from "../lib/words.js";

const DAY = 86_400_000;

export function Statements({ subscription }) {
  const loading = useData(() => get(path`subscriptions/${subscription.id}/statements`, { limit: "100" }), [subscription.id]);
  return html`<${Loaded} from=${loading} what="statements">${(page) =>
    page.items.length === 0
      ? html`<${Empty}>No statement yet: one is written when Odoo has invoiced a period.</${Empty}>`
      : page.items.map((statement, index) => html`<${Statement} statement=${statement} isOpen=${index === 0} />`)}</${Loaded}>`;
}

function Statement({ statement, isOpen }) {
  const { currency, totals } = statement;
  const name = period(statement.period_start, statement.period_end, statement.timezone);
  return html`<details open=${isOpen}>
    <summary><strong>${name}</strong>: invoiced ${amount(totals.invoiced, currency)}, difference ${amount(totals.difference, currency)}</summary>
    <${Table} caption=${`Lines of ${name}`} name=${`statement-${statement.subscription}-${statement.period_start.slice(0, 10)}`} rows=${statement.lines} columns=${columns(currency, statement.timezone)} />
    <dl>
      <dt>Rated</dt><dd>${amount(totals.rated, currency)}</dd>
      <dt>Adjusted later</dt><dd>${amount(totals.adjusted, currency)}</dd>
      <dt>Closed</dt><dd>${dateTime(statement.closed_at, statement.timezone)}</dd>
      <dt>Hash</dt><dd><code>${statement.hash}</code></dd>
      <dt>Statement before</dt><dd>${statement.previous_hash ? html`<code>${statement.previous_hash}</code>` : "none: this is the first"}</dd>
    </dl>
  </details>`;
}

/** Return days as spans: 1 – 4 Oct 2026, 7 Oct 2026. */
function spans(days) {
  const found = [];
  for (const day of days) {
    const start = Date.parse(day);
    const last = found.at(-1);
    if (last?.end === start) last.end += DAY;
    else found.push({ start, end: start + DAY });
  }
  return found.map(({ start, end }) => period(start, new Date(end).toISOString(), "UTC")).join("; ");
}

function columns(currency, zone) {
  return [
    { label: "Charge", value: named, show: (line, lines) => html`${chargeName(line, lines)}${line.corrects ? html` <span class="tag">adjusts ${date(line.corrects, zone)}</span>` : null}` },
    { label: "Units", value: (line) => line.units, show: (line) => units(line.units), isNumber: true },
    { label: "Records", value: (line) => line.records, isNumber: true },
    { label: "Days without a record", value: (line) => (line.missing_days ?? []).join(" "), show: (line) => (line.missing_days ?? []).join(", ") || "none" },
    { label: "Rated", value: (line) => line.rated, show: (line) => amount(line.rated, currency), isNumber: true },
    { label: "Invoiced", value: (line) => line.invoiced, show: (line) => amount(line.invoiced, currency), isNumber: true },
    { label: "Difference", value: (line) => line.difference, show: (line) => amount(line.difference, currency), isNumber: true },
  ];
}
