/** What is owed, what needs attention, and what is invoiced this week. */

import { get, getAll, getIfAny, path } from "../lib/api.js";
import { amount, date, dateTime, units } from "../lib/format.js";
import { html, useEffect, useState } from "../lib/html.js";
import { link } from "../lib/router.js";
import { allows } from "../lib/session.js";
import { Empty, Loaded, useData } from "../lib/states.js";
import { Table } from "../lib/table.js";
import { Amounts, AmountTable, day } from "./overview_amounts.js";
import { customerName } from "./subscriptions.js";

const COUNTING = 2000;
const MOST_LOADS = 10;
const FRESH = 360_000;

/** @param {{session: any}} props */
export function Screen({ session }) {
  const isAdmin = allows(session, "admin");
  return html`<h1>Overview</h1>
    ${isAdmin ? html`<${Operators} />` : html`<${Amounts} />`}
    ${!isAdmin && allows(session, "catalog:read") ? html`<${Due} />` : null}`;
}

/** What an operator sees: all of it in one response, or piece by piece if the service has no such response. */
function Operators() {
  const loading = useData(() => getIfAny("overview"), []);
  const [loads, setLoads] = useState(1);
  const at = loading.data?.amounts_calculated_at;
  const isCounting = at === null;
  const isOld = at && Date.parse(loading.data.calculated_at) - Date.parse(at) > FRESH;
  const again = () => {
    setLoads(loads + 1);
    loading.reload();
  };
  useEffect(() => {
    const timer = isCounting || (isOld && loads < MOST_LOADS) ? setTimeout(again, COUNTING) : 0;
    return () => clearTimeout(timer);
  }, [loading.data]);
  return html`<${Loaded} from=${loading} what="the overview">${(/** @type {any} */ overview) => {
    if (overview === null) return html`<${Amounts} /><${Pieces} /><${Due} />`;
    return html`<${AmountTable} rows=${overview.amounts.map(asRow)} isWhole=${!isCounting} note=${isCounting ? "Still counting …" : isOld ? `As of ${dateTime(at)}` : ""} />
      <h2>What needs attention</h2><${Attention} items=${attention(overview)} />
      <${DueDays} days=${overview.invoices_due} />
      <${Table} caption="Changed pairs by hour" name="changed-pairs" rows=${overview.changed_pairs} sort=${0} descending=${true} pageSize=${6} empty="Not counted yet." columns=${[
        { label: "Hour", value: (/** @type {any} */ row) => row.hour, show: (/** @type {any} */ row) => dateTime(row.hour) },
        { label: "Pairs", value: (/** @type {any} */ row) => row.count, show: (/** @type {any} */ row) => `${units(row.count)}${row.is_capped ? "+" : ""}`, isNumber: true },
      ]} />`;
  }}</${Loaded}>`;
}

/** What needs attention, from the lists of it. */
function Pieces() {
  const loading = useData(async () => {
    const page = async (/** @type {string} */ target, /** @type {any} */ query) => {
      const { items, cursor } = await get(target, { ...query, limit: "100" });
      return { count: items.length, is_capped: cursor !== null };
    };
    const endpoints = await getAll("endpoints");
    const lines = await Promise.all(Object.keys(LINES).map(async (state) => [state, await page("lines", { state })]));
    const failed = await Promise.all(endpoints.map(({ id }) => page(path`endpoints/${id}/deliveries`, { state: "failed" })));
    const named = (/** @type {(endpoint: any) => boolean} */ which) => endpoints.filter(which).map(({ id }) => id);
    return attention({
      lines: Object.fromEntries(lines),
      failed_deliveries: { count: failed.reduce((sum, { count }) => sum + count, 0), is_capped: failed.some(({ is_capped }) => is_capped) },
      failing_endpoints: named(({ state, failing_since }) => state === "enabled" && failing_since),
      disabled_endpoints: named(({ state }) => state !== "enabled"),
      expiring_keys: [],
    });
  }, []);
  return html`<h2>What needs attention</h2>
    <${Loaded} from=${loading} what="what needs attention">${(/** @type {any} */ items) => html`<${Attention} items=${items} />`}</${Loaded}>`;
}

/** @param {any} each an amount of the overview */
function asRow(each) {
  return { ...each, month: each.period_end_month };
}

/** @param {{items: {text: string, link: string}[]}} props */
function Attention({ items }) {
  if (items.length === 0) return html`<${Empty}>Nothing needs attention.</${Empty}>`;
  return html`<ul>${items.map((item) => html`<li><a href=${item.link}>${item.text}</a></li>`)}</ul>`;
}

/** Return what an operator should look at. @param {any} overview @returns {{text: string, link: string}[]} */
function attention({ lines, failed_deliveries, failing_endpoints, disabled_endpoints, expiring_keys, failing_pairs, missing_counters }) {
  const found = Object.entries(LINES).flatMap(([state, text]) => (lines[state].count ? [{ text: text(lines[state]), link: link(["lines"], { state }) }] : []));
  for (const { subscription, metric, reason } of failing_pairs?.items ?? []) found.push({ text: `${metric} of ${subscription} can't be rated: ${reason || "see the log"}`, link: link(["subscription", subscription]) });
  if (failing_pairs?.count > failing_pairs?.items.length || failing_pairs?.is_capped) found.push({ text: `${counted(failing_pairs, "pair")} can't be rated`, link: link(["subscriptions"]) });
  for (const { subscription, metric, last_changed_at } of missing_counters?.items ?? []) found.push({ text: `No usage of ${metric} by ${subscription} since ${dateTime(last_changed_at)}`, link: link(["subscription", subscription]) });
  if (missing_counters?.count > missing_counters?.items.length) found.push({ text: `${counted(missing_counters, "counter")} missing`, link: link(["subscriptions"]) });
  const webhooks = link(["webhooks"]);
  if (failed_deliveries.count) found.push({ text: counted(failed_deliveries, "failed delivery", "failed deliveries"), link: webhooks });
  for (const id of failing_endpoints) found.push({ text: `The endpoint ${id} is failing`, link: link(["webhooks", id], { state: "failed" }) });
  for (const id of disabled_endpoints) found.push({ text: `The endpoint ${id} is disabled`, link: link(["webhooks", id]) });
  for (const key of expiring_keys) found.push({ text: `The API key ${key.id} expires on ${date(key.expires_at)}`, link: link(["sources", key.source]) });
  return found;
}

/** @type {Record<string, (count: any) => string>} */
const LINES = {
  failed: (count) => `${counted(count, "order line")} failed: Odoo doesn't have ${count.count === 1 ? "it" : "them"} as rated`,
  final_invoice: (count) => `${counted(count, "order line")} to be invoiced by hand: the subscription has ended`,
  changed: (count) => `${counted(count, "order line")} changed in Odoo`,
};

/** @param {{count: number, is_capped: boolean}} count @param {string} one @param {string} [many] */
function counted({ count, is_capped }, one, many = `${one}s`) {
  return `${is_capped ? "At least " : ""}${units(count)} ${count === 1 ? one : many}`;
}

/** @param {{days: any[]}} props */
function DueDays({ days }) {
  const [isOpen, setOpen] = useState(false);
  return html`<${Table} caption="Invoices overdue or due within a week" name="invoices-due" rows=${days} empty="No invoice is overdue or due within a week." columns=${[
      { label: "Due", value: (/** @type {any} */ row) => row.period_end, show: (/** @type {any} */ row) => date(row.period_end) },
      { label: "Subscriptions", value: (/** @type {any} */ row) => row.subscriptions, isNumber: true },
      { label: "Rated so far", value: (/** @type {any} */ row) => row.amount, show: (/** @type {any} */ row) => amount(row.amount, row.currency), isNumber: true },
      { label: "Currency", value: (/** @type {any} */ row) => row.currency },
    ]} />
    ${isOpen ? html`<${Due} />` : html`<p><button type="button" onClick=${() => setOpen(true)}>Show the customers</button></p>`}`;
}

/** Subscriptions whose next invoice is due within a week. */
function Due() {
  const loading = useData(async () => {
    const all = await getAll("subscriptions", {}, 20_000);
    return all.filter((each) => each.state === "3_progress" && each.next_invoice_date && each.next_invoice_date <= day(7));
  }, []);
  return html`<${Loaded} from=${loading} what="invoices due">${(/** @type {any[]} */ rows) => html`
    <${Table} caption="Customers whose invoice is due" name="customers-due" rows=${rows} sort=${0} empty="No invoice is overdue or due within a week." columns=${[
      { label: "Due", value: (/** @type {any} */ row) => row.next_invoice_date, show: (/** @type {any} */ row) => date(row.next_invoice_date) },
      { label: "Customer", value: customerName, show: (/** @type {any} */ row) => html`<a href=${link(["subscription", row.id])}>${customerName(row)}</a>` },
      { label: "Plan", value: (/** @type {any} */ row) => row.plan },
      { label: "Currency", value: (/** @type {any} */ row) => row.currency },
    ]} />`}</${Loaded}>`;
}
