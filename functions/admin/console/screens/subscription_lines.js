/** A subscription's order lines: what was rated beside what Odoo has. */

import { get, path, send } from "../lib/api.js";
import { difference, isZero } from "../lib/decimal.js";
import { amount, period, quantity, stateName } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { List } from "../lib/list.js";
import { allows } from "../lib/session.js";
import { Failure } from "../lib/states.js";
import { chargeName, named } from "../lib/words.js";
import { why } from "./subscription_ratings.js";

export function Lines({ subscription, session }) {
  const { id, timezone: zone } = subscription;
  const load = async (page) => {
    const found = await get(path`subscriptions/${id}/ratings`, page);
    return { ...found, items: found.items.filter((rating) => rating.line) };
  };
  return html`${allows(session, "admin") ? html`<${Comparison} id=${id} />` : null}
    <${List} caption="Order lines" name=${`order-lines-${id}`} what="order lines" columns=${columns(zone)} load=${load}
      empty="No order line was sent yet." />`;
}

function Comparison({ id }) {
  const [state, setState] = useState({});
  const compare = async () => {
    setState({ busy: true });
    try {
      setState({ report: await send("POST", "lines/reconcile", { body: { subscription: id } }) });
    } catch (error) {
      setState({ error: /** @type {Error} */ (error) });
    }
  };
  const findings = state.report?.findings ?? [];
  return html`<div class="actions"><button type="button" onClick=${compare} aria-disabled=${Boolean(state.busy)}>${state.busy ? "Comparing …" : "Compare with Odoo now"}</button></div>
    ${state.error ? html`<${Failure} error=${state.error} retry=${compare} />` : null}
    ${state.report
      ? html`<div class=${`notice ${findings.length ? "warn" : ""}`} role="status">
          <p>${findings.length ? `${quantity(String(findings.length), "difference")} in Odoo:` : "Odoo has every line as it was rated."}</p>
          ${findings.length ? html`<ul>${findings.map((finding) => html`<li>${described(finding)}</li>`)}</ul>` : null}
        </div>`
      : null}`;
}

function described(finding) {
  return Object.entries(finding)
    .filter(([, value]) => value !== null && typeof value !== "object")
    .map(([name, value]) => `${name.replaceAll("_", " ")}: ${value}`)
    .join(", ");
}

function gap(row) {
  return row.line.amount === null ? null : difference(row.line.amount, row.amount);
}

function columns(zone) {
  return [
    { label: "Period", value: (row) => row.period_start, show: (row) => period(row.period_start, row.period_end, zone) },
    { label: "Charge", value: named, show: (row, rows) => html`<a href=${why(row)}>${chargeName(row, rows)}</a>${row.corrects ? html` <span class="tag">adjustment</span>` : null}` },
    { label: "State", value: (row) => stateName(row.line.state), show: (row) => html`<span class=${row.line.state === "failed" ? "tag bad" : "tag"}>${stateName(row.line.state)}</span>` },
    { label: "Rated", value: (row) => row.amount, show: (row) => amount(row.amount, row.currency), isNumber: true },
    { label: "In Odoo", value: (row) => row.line.amount, show: (row) => amount(row.line.amount, row.currency), isNumber: true },
    {
      label: "Difference",
      value: (row) => gap(row),
      show: (row) => {
        const found = gap(row);
        return found === null ? "not sent" : isZero(found) ? "none" : html`<strong>${amount(found, row.currency)}</strong>`;
      },
      isNumber: true,
    },
    { label: "Line in Odoo", value: (row) => row.line.odoo_line_id },
    { label: "Error", value: (row) => row.line.error ?? "", show: (row) => row.line.error ?? "–" },
  ];
}
