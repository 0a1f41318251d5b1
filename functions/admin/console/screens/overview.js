/** What is owed, what needs attention, and what is invoiced this week. */

import { get, getAll, getIfAny, path } from "../lib/api.js";
import { sum } from "../lib/decimal.js";
import { amount, date, dayOf } from "../lib/format.js";
import { html } from "../lib/html.js";
import { link } from "../lib/router.js";
import { allows } from "../lib/session.js";
import { Empty, Loaded, useData } from "../lib/states.js";
import { Table } from "../lib/table.js";
import { customerName } from "./subscriptions.js";

const DAY = 86_400_000;

/** @param {{session: any}} props */
export function Screen({ session }) {
  return html`<h1>Overview</h1>
    <${Amounts} />
    ${allows(session, "admin") ? html`<${Attention} />` : null}
    ${allows(session, "catalog:read") ? html`<${Due} />` : null}`;
}

/** What is rated, by period, plan and currency. */
function Amounts() {
  const loading = useData(amounts, []);
  return html`<${Loaded} from=${loading} what="amounts">${(/** @type {any} */ found) => (found === null ? null : html`
    <h2>Amounts</h2>
    <ul class="cards">${found.totals.map((/** @type {any} */ total) => html`<li class="card">
      <p class="muted">Open periods, ${total.currency}</p><p class="figure">${amount(total.amount, total.currency)}</p></li>`)}</ul>
    <${Table} caption="By month of the period's end, plan and currency" name="amounts" rows=${found.rows} columns=${COLUMNS} sort=${0} descending=${true}
      empty="Nothing was rated yet." />
    ${found.isPart ? html`<p class="muted">Only a part of all ratings is included; the CSV of GET /v1/ratings has them all.</p>` : null}`)}</${Loaded}>`;
}

/** @type {import("../lib/table.js").Column[]} */
const COLUMNS = [
  { label: "Ends in", value: (row) => row.month },
  { label: "State", value: (row) => row.state },
  { label: "Plan", value: (row) => row.plan },
  { label: "Subscriptions", value: (row) => row.subscriptions.size, isNumber: true },
  { label: "Amount", value: (row) => row.amount, show: (row) => amount(row.amount, row.currency), isNumber: true },
  { label: "Currency", value: (row) => row.currency },
];

const MOST_RATINGS = 5000;

/** Return amounts of the open periods and of those that ended in the last 100 days, or null if the service lists none. */
async function amounts() {
  const ranges = [[-100, 0], [0, 366]].map(([from, to]) => ({ period_end_from: day(from), period_end_to: day(to) }));
  const firsts = await Promise.all(ranges.map((range) => getIfAny("ratings", { ...range, limit: "500" })));
  if (firsts.includes(null)) return null;
  const lists = await Promise.all(firsts.map((first, index) => (first.cursor ? getAll("ratings", ranges[index], MOST_RATINGS) : first.items)));
  const items = lists.flat();
  /** @type {Map<string, any>} */
  const rows = new Map();
  for (const rating of items) {
    const month = new Date(Date.parse(rating.period_end) - 1000).toISOString().slice(0, 7);
    const key = [month, rating.state, rating.plan, rating.currency].join("|");
    const row = rows.get(key) ?? { month, state: rating.state, plan: rating.plan, currency: rating.currency, amount: "0", subscriptions: new Set() };
    row.amount = sum([row.amount, rating.amount]);
    row.subscriptions.add(rating.subscription);
    rows.set(key, row);
  }
  const open = [...rows.values()].filter((row) => row.state === "open");
  const currencies = [...new Set(open.map((row) => row.currency))].sort();
  const totals = currencies.map((currency) => ({ currency, amount: sum(open.filter((row) => row.currency === currency).map((row) => row.amount)) }));
  return { totals, rows: [...rows.values()], isPart: lists.some((list) => list.length >= MOST_RATINGS) };
}

/** @param {number} days from today */
function day(days) {
  return dayOf(new Date(Date.now() + days * DAY), "UTC");
}

/** What an operator should look at. */
function Attention() {
  const loading = useData(attention, []);
  return html`<h2>What needs attention</h2>
    <${Loaded} from=${loading} what="what needs attention">${(/** @type {any[]} */ found) =>
      found.length === 0
        ? html`<${Empty}>Nothing needs attention.</${Empty}>`
        : html`<ul>${found.map((item) => html`<li><a href=${item.link}>${item.text}</a></li>`)}</ul>`}</${Loaded}>`;
}

/** @returns {Promise<{text: string, link: string}[]>} */
async function attention() {
  const states = ["failed", "final_invoice", "changed"];
  const [endpoints, ...lines] = await Promise.all([getAll("endpoints"), ...states.map((state) => get("lines", { state, limit: "500" }))]);
  const found = lines.flatMap((page, index) => (page.items.length ? [{ text: TEXTS[states[index]](count(page)), link: link(["lines"], { state: states[index] }) }] : []));
  for (const endpoint of endpoints) {
    const there = link(["webhooks", endpoint.id], { state: "failed" });
    if (endpoint.state !== "enabled") found.push({ text: `The endpoint ${endpoint.url} is disabled`, link: there });
    else if (endpoint.failing_since) found.push({ text: `The endpoint ${endpoint.url} fails since ${date(endpoint.failing_since)}`, link: there });
    const failed = await get(path`endpoints/${endpoint.id}/deliveries`, { state: "failed", limit: "100" });
    if (failed.items.length) found.push({ text: `${counted(count(failed), "failed delivery", "failed deliveries")} to ${endpoint.url}`, link: there });
  }
  return found;
}

/** @type {Record<string, (count: string) => string>} */
const TEXTS = {
  failed: (count) => `${counted(count, "order line")} failed and not in Odoo as rated`,
  final_invoice: (count) => `${counted(count, "order line")} to be invoiced by hand: the subscription has ended`,
  changed: (count) => `${counted(count, "order line")} changed in Odoo`,
};

/** @param {string} count @param {string} one @param {string} [many] */
function counted(count, one, many = `${one}s`) {
  return `${count} ${count === "1" ? one : many}`;
}

/** @param {any} page */
function count(page) {
  return page.cursor ? `More than ${page.items.length}` : String(page.items.length);
}

/** Subscriptions whose next invoice is due within a week. */
function Due() {
  const loading = useData(async () => {
    const all = await getAll("subscriptions", {}, 20_000);
    return all.filter((each) => each.state === "3_progress" && each.next_invoice_date && each.next_invoice_date <= day(7));
  }, []);
  return html`<${Loaded} from=${loading} what="invoices due">${(/** @type {any[]} */ rows) => html`
    <${Table} caption="Invoices due within a week" name="invoices-due" rows=${rows} sort=${0} empty="No invoice is due within a week." columns=${[
      { label: "Due", value: (/** @type {any} */ row) => row.next_invoice_date, show: (/** @type {any} */ row) => date(row.next_invoice_date) },
      { label: "Customer", value: customerName, show: (/** @type {any} */ row) => html`<a href=${link(["subscription", row.id])}>${customerName(row)}</a>` },
      { label: "Plan", value: (/** @type {any} */ row) => row.plan },
      { label: "Currency", value: (/** @type {any} */ row) => row.currency },
    ]} />`}</${Loaded}>`;
}
