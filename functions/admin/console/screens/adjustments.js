/** Adjustments: what changed after a period was invoiced, and what late usage came in. */

import { get, getAll, getIfAny } from "../lib/api.js";
import { amount, date, dateTime, dayOf, period, stateName, units } from "../lib/format.js";
import { html } from "../lib/html.js";
import { List } from "../lib/list.js";
import { link } from "../lib/router.js";
import { Loaded, useData } from "../lib/states.js";
import { Table } from "../lib/table.js";
import { chargeName, named } from "../lib/words.js";
import { Body } from "./deliveries.js";

const DAY = 86_400_000;
const MOST = 5000;

export function Screen({ session }) {
  return html`<h1>Late usage and adjustments</h1>
    <p>An invoice is never changed. When usage of an invoiced period changes, the difference is billed as an adjustment in the open period.</p>
    <${Adjustments} />
    ${session.scopes.includes("admin") || session.scopes.includes("webhooks:write") ? html`<${Late} />` : null}`;
}

function Adjustments() {
  const day = (days) => dayOf(new Date(Date.now() + days * DAY), "UTC");
  const loading = useData(async () => {
    const ranges = [[-200, 0], [0, 366]];
    const found = await Promise.all(ranges.map(([from, to]) => getAll("ratings", { period_end_from: day(from), period_end_to: day(to) }, MOST)));
    return found.flat().filter((rating) => rating.corrects);
  }, []);
  return html`<${Loaded} from=${loading} what="adjustments">${(rows) => html`
    <${Table} caption="Adjustments" rows=${rows} sort=${0} descending=${true} columns=${COLUMNS} empty="No invoiced period was adjusted in the last 200 days." />`}</${Loaded}>`;
}

/** @type {import("../lib/table.js").Column[]} */
const COLUMNS = [
  { label: "Billed in", value: (row) => row.period_start, show: (row) => period(row.period_start, row.period_end, row.timezone) },
  { label: "Customer", value: (row) => row.customer_name, show: (row) => html`<a href=${link(["subscription", row.subscription], { tab: "ratings" })}>${String(row.customer_name ?? row.subscription)}</a>` },
  { label: "Charge", value: named, show: chargeName },
  { label: "Corrects the period from", value: (row) => row.corrects, show: (row) => date(row.corrects, row.timezone) },
  { label: "Units now", value: (row) => row.units, show: (row) => units(row.units), isNumber: true },
  { label: "Difference", value: (row) => row.amount, show: (row) => amount(row.amount, row.currency), isNumber: true },
  { label: "State", value: (row) => stateName(row.state) },
  { label: "Explanation", value: () => "", isAction: true, show: (row) => html`<a href=${link(["why", row.subscription, `${row.charge}@${row.corrects}`], { period_start: row.period_start })}>Why?</a>` },
];

/** The events about late usage, if the service lists events. */
function Late() {
  const isListed = useData(() => getIfAny("events", { type: "usage.late", limit: "1" }), []);
  if (!isListed.data) return null;
  return html`<${List} caption="Late usage" name="late-usage" what="late usage" load=${(page) => get("events", { type: "usage.late", ...page })}
    empty="No usage came after its period was invoiced." columns=${[
      { label: "When", value: (event) => event.created_at, show: (event) => dateTime(event.created_at) },
      { label: "Subscription", value: (event) => event.subscription, show: (event) => html`<a href=${link(["subscription", event.subscription])}>${event.subscription}</a>` },
      { label: "Event", value: (event) => event.id },
      { label: "Details", value: () => "", isAction: true, show: (event) => html`<${Body} delivery=${{ event: event.id }} />` },
    ]} />`;
}
