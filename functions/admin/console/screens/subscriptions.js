/** Customers and their subscriptions. */

import { getAll } from "../lib/api.js";
import { date, quantity, stateName } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { go, link } from "../lib/router.js";
import { Loaded, useData } from "../lib/states.js";
import { Table } from "../lib/table.js";

const MOST = 20_000;

export function Screen({ query }) {
  const loading = useData(() => getAll("subscriptions", {}, MOST), []);
  const [search, setSearch] = useState(query.q ?? "");
  const searched = (text) => {
    setSearch(text);
    go(link(["subscriptions"], { q: text }), true);
  };
  return html`<h1>Customers and subscriptions</h1>
    <div class="field">
      <label for="search">Search by customer, subscription or order</label>
      <input id="search" type="search" value=${search} onInput=${(event) => searched(event.currentTarget.value)} />
    </div>
    <${Loaded} from=${loading} what="subscriptions">${(all) => html`<${List} rows=${found(all, search)} total=${all.length} />`}</${Loaded}>`;
}

function List({ rows, total }) {
  const empty = total === 0 ? "No subscriptions yet. They are read from Odoo, or created with PUT /v1/subscriptions." : "No subscription matches.";
  return html`<${Table} caption=${quantity(String(rows.length), "subscription")} name="subscriptions" columns=${COLUMNS} rows=${rows} sort=${0} empty=${empty} />`;
}

/** @type {import("../lib/table.js").Column[]} */
const COLUMNS = [
  {
    label: "Customer",
    value: (row) => customerName(row),
    show: (row) => html`<a href=${link(["subscription", row.id])}>${customerName(row)}</a>`,
  },
  { label: "Subscription", value: (row) => row.name ?? row.id },
  { label: "Plan", value: (row) => row.plan },
  { label: "State", value: (row) => stateName(row.state) },
  { label: "Currency", value: (row) => row.currency },
  { label: "Next invoice", value: (row) => row.next_invoice_date, show: (row) => date(row.next_invoice_date) },
  { label: "ID", value: (row) => row.id },
];

export function customerName(row) {
  return String(row.customer_name ?? row.name ?? row.id);
}

function found(rows, search) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    const text = [customerName(row), row.name, row.id, row.odoo_order_id, row.plan].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
