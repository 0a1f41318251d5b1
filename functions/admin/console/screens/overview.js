/** What is owed, what needs attention, and what is invoiced this week. */

import { get, getAll, path } from "../lib/api.js";
import { date } from "../lib/format.js";
import { html } from "../lib/html.js";
import { link } from "../lib/router.js";
import { allows } from "../lib/session.js";
import { Empty, Loaded, useData } from "../lib/states.js";
import { Table } from "../lib/table.js";
import { Amounts, day } from "./overview_amounts.js";
import { customerName } from "./subscriptions.js";

/** @param {{session: any}} props */
export function Screen({ session }) {
  return html`<h1>Overview</h1>
    <${Amounts} />
    ${allows(session, "admin") ? html`<${Attention} />` : null}
    ${allows(session, "catalog:read") ? html`<${Due} />` : null}`;
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
