/** A subscription's orders in Odoo, its plans, and the changes of its definition. */

import { date, dateTime } from "../lib/format.js";
import { html } from "../lib/html.js";
import { Table } from "../lib/table.js";
import { priceInWords } from "../lib/words.js";

export function History({ subscription }) {
  const { timezone: zone, orders = [], plan_history: plans = [], history = [], overrides } = subscription;
  const own = Object.entries(overrides ?? {}).flatMap(([charge, changes]) => [changes].flat().map((change) => ({ ...change, charge, currency: subscription.currency })));
  return html`
    <${Table} caption="Orders in Odoo" name=${`orders-${subscription.id}`} rows=${orders} columns=${[
      { label: "Order", value: (order) => order.odoo_order_id },
      { label: "Kind", value: (order) => order.kind },
      { label: "From", value: (order) => order.from, show: (order) => dateTime(order.from, zone) },
      { label: "Until", value: (order) => order.until, show: (order) => (order.until ? dateTime(order.until, zone) : "today") },
    ]} empty="No orders: this subscription was not read from Odoo." />
    <${Table} caption="Plans" name=${`plans-${subscription.id}`} rows=${plans} columns=${[
      { label: "Plan", value: (change) => change.plan },
      { label: "From", value: (change) => change.from, show: (change) => (change.from ? dateTime(change.from, zone) : "the start") },
    ]} empty="No plan is known." />
    ${own.length ? html`<${Table} caption="Prices of its own" name=${`overrides-${subscription.id}`} rows=${own} columns=${[
      { label: "Charge", value: (change) => change.charge },
      { label: "From", value: (change) => change.valid_from, show: (change) => (!change.valid_from ? "the start" : /T/.test(change.valid_from) ? dateTime(change.valid_from, zone) : date(change.valid_from)) },
      { label: "Price", value: priceInWords },
    ]} />` : null}
    <${Table} caption="Changes" name=${`changes-${subscription.id}`} rows=${history} columns=${[
      { label: "When", value: (change) => change.changed_at, show: (change) => dateTime(change.changed_at, zone) },
      { label: "Who", value: (change) => change.actor },
      { label: "What", value: (change) => change.cause },
      { label: "Why", value: (change) => change.reason ?? "" },
    ]} empty="No changes are recorded." />`;
}
