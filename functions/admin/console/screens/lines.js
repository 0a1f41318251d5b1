/** Order lines that need an operator, and those that are on their way. */

import { get, path, send } from "../lib/api.js";
import { amount, dateTime, stateName } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { List } from "../lib/list.js";
import { link } from "../lib/router.js";
import { Failure } from "../lib/states.js";
import { why } from "./subscription_ratings.js";

/** @type {[string, string, string][]} state, label, what it means */
const STATES = [
  ["failed", "Failed", "The service gave up on these lines. Remove the cause, then retry."],
  ["due", "On their way", "These lines are sent to Odoo at their time."],
  ["final_invoice", "To be invoiced by hand", "Their subscription has ended: Odoo does not invoice them by itself."],
  ["changed", "Changed in Odoo", "Someone changed or copied these lines in Odoo."],
];

export function Screen({ query }) {
  const [state, label, meaning] = STATES.find(([name]) => name === query.state) ?? STATES[0];
  const [done, setDone] = useState({ times: 0 });
  const retry = async (line) => {
    try {
      await send("POST", path`lines/${line}/retry`);
      setDone((before) => ({ text: `${line} is sent again now.`, times: before.times + 1 }));
    } catch (error) {
      setDone((before) => ({ error: /** @type {Error} */ (error), times: before.times }));
    }
  };
  return html`<h1>Order lines</h1>
    <nav aria-label="States"><ul class="tabs">${STATES.map(
      ([name, text]) => html`<li><a href=${link(["lines"], { state: name })} aria-current=${name === state ? "page" : undefined}>${text}</a></li>`,
    )}</ul></nav>
    <p>${meaning}</p>
    ${done.text ? html`<div class="notice" role="status"><p>${done.text}</p></div>` : null}
    ${done.error ? html`<${Failure} error=${done.error} />` : null}
    <${List} caption=${label} name=${`order-lines-${state}`} what="order lines" columns=${columns(state, retry)} inputs=${[state, done.times]}
      load=${(page) => get("lines", { state, ...page })} empty="No order line is in this state." />`;
}

function columns(state, retry) {
  const at = (row) => row.failed_at ?? row.due_at ?? row.sent_at;
  return [
    { label: "Subscription", value: (row) => row.subscription, show: (row) => html`<a href=${link(["subscription", row.subscription], { tab: "lines" })}>${row.subscription}</a>` },
    { label: "Charge", value: (row) => row.charge, show: (row) => html`<a href=${why(row)}>${row.charge}</a>` },
    { label: "Rated", value: (row) => row.amount, show: (row) => amount(row.amount, row.currency), isNumber: true },
    { label: "In Odoo", value: (row) => row.sent_amount, show: (row) => amount(row.sent_amount, row.currency), isNumber: true },
    { label: state === "due" ? "Due" : "Since", value: at, show: (row) => dateTime(at(row)) },
    { label: "Reason", value: (row) => reason(row), show: (row) => reason(row) || stateName(row.state) },
    { label: "Order in Odoo", value: (row) => row.odoo_order_id },
    ...(state === "failed"
      ? [{ label: "Retry", value: () => "", isAction: true, show: (row) => html`<button type="button" onClick=${() => retry(row.id)} aria-label=${`Retry ${row.charge} of ${row.subscription}`}>Retry</button>` }]
      : []),
  ];
}

function reason(row) {
  const changes = (row.changes_in_odoo ?? []).map((change) => `${change.found.join(", ")}: ${change.reason}`);
  return row.error ? row.error.message || row.error.code : changes.join("; ");
}
