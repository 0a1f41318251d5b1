/** What is owed, what needs attention, and what is invoiced this week. */

import { get, getAll } from "../lib/api.js";
import { amount, date, dateTime, units } from "../lib/format.js";
import { html, useEffect, useState } from "../lib/html.js";
import { link } from "../lib/router.js";
import { allows } from "../lib/session.js";
import { Empty, Loaded, useData } from "../lib/states.js";
import { Table } from "../lib/table.js";
import { Amounts, AmountTable, day } from "./overview_amounts.js";
import { customerName } from "./subscriptions.js";

const SHORT = 200;
const PAUSE = 2000;
const MOST_LOADS = 10;
const FRESH = 360_000;

export function Screen({ session }) {
  const isAdmin = allows(session, "admin");
  return html`<h1>Overview</h1>
    ${isAdmin ? html`<${Operators} />` : html`<${Amounts} />`}
    ${!isAdmin && allows(session, "catalog:read") ? html`<${Due} />` : null}`;
}

/** What an operator sees, in one response: asked for again until every amount was added up. */
function Operators() {
  const loading = useData(() => get("overview"), []);
  const [loads, setLoads] = useState(1);
  const at = loading.data?.amounts_calculated_at;
  const isCounting = at === null;
  const isOld = at && Date.parse(loading.data.calculated_at) - Date.parse(at) > FRESH;
  const again = () => {
    setLoads(loads + 1);
    loading.reload();
  };
  useEffect(() => {
    const timer = isCounting || (isOld && loads < MOST_LOADS) ? setTimeout(again, isCounting ? SHORT : PAUSE) : 0;
    return () => clearTimeout(timer);
  }, [loading.data]);
  return html`<${Loaded} from=${loading} what="the overview">${(overview) => {
    const { added_up, parts } = overview.amounts_progress;
    return html`<${AmountTable} rows=${overview.amounts.map(asRow)} isWhole=${!isCounting} note=${isCounting ? `Adding up: ${added_up} of ${parts} parts …` : isOld ? `As of ${dateTime(at)}` : ""} />
      <h2>What needs attention</h2><${Attention} items=${attention(overview)} />
      <${DueDays} days=${overview.invoices_due} />
      <${Table} caption="Changed pairs by hour" name="changed-pairs" rows=${overview.changed_pairs} sort=${0} descending=${true} pageSize=${6} empty="Not counted yet." columns=${[
        { label: "Hour", value: (row) => row.hour, show: (row) => dateTime(row.hour) },
        { label: "Pairs", value: (row) => row.count, show: (row) => `${units(row.count)}${row.is_capped ? "+" : ""}`, isNumber: true },
      ]} />`;
  }}</${Loaded}>`;
}

function asRow(each) {
  return { ...each, month: each.period_end_month };
}

function Attention({ items }) {
  if (items.length === 0) return html`<${Empty}>Nothing needs attention.</${Empty}>`;
  return html`<ul>${items.map((item) => html`<li><a href=${item.link}>${item.text}</a></li>`)}</ul>`;
}

/** Return what an operator should look at. @returns {{text: string, link: string}[]} */
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

function counted({ count, is_capped }, one, many = `${one}s`) {
  return `${is_capped ? "At least " : ""}${units(count)} ${count === 1 ? one : many}`;
}

function DueDays({ days }) {
  const [isOpen, setOpen] = useState(false);
  return html`<${Table} caption="Invoices overdue or due within a week" name="invoices-due" rows=${days} empty="No invoice is overdue or due within a week." columns=${[
      { label: "Due", value: (row) => row.period_end, show: (row) => date(row.period_end) },
      { label: "Subscriptions", value: (row) => row.subscriptions, isNumber: true },
      { label: "Rated so far", value: (row) => row.amount, show: (row) => amount(row.amount, row.currency), isNumber: true },
      { label: "Currency", value: (row) => row.currency },
    ]} />
    ${isOpen ? html`<${Due} />` : html`<p><button type="button" onClick=${() => setOpen(true)}>Show the customers</button></p>`}`;
}

/** Subscriptions whose next invoice is due within a week. */
function Due() {
  const loading = useData(async () => {
    const all = await getAll("subscriptions", {}, 20_000);
    return all.filter((each) => each.state === "3_progress" && each.next_invoice_date && each.next_invoice_date <= day(7));
  }, []);
  return html`<${Loaded} from=${loading} what="invoices due">${(rows) => html`
    <${Table} caption="Customers whose invoice is due" name="customers-due" rows=${rows} sort=${0} empty="No invoice is overdue or due within a week." columns=${[
      { label: "Due", value: (row) => row.next_invoice_date, show: (row) => date(row.next_invoice_date) },
      { label: "Customer", value: customerName, show: (row) => html`<a href=${link(["subscription", row.id])}>${customerName(row)}</a>` },
      { label: "Plan", value: (row) => row.plan },
      { label: "Currency", value: (row) => row.currency },
    ]} />`}</${Loaded}>`;
}
