/** A subscription's ratings, the newest period first. */

import { get, path } from "../lib/api.js";
import { amount, period, stateName, units } from "../lib/format.js";
import { html } from "../lib/html.js";
import { link } from "../lib/router.js";
import { List } from "../lib/list.js";
import { chargeName, named } from "../lib/words.js";

export function Ratings({ subscription }) {
  const { id, timezone: zone } = subscription;
  return html`<${List} caption="Ratings" name=${`ratings-${id}`} what="ratings" columns=${columns(zone)}
    load=${(page) => get(path`subscriptions/${id}/ratings`, page)}
    empty="Nothing was rated yet. Rating runs every hour." />`;
}

/** Return the link that explains a rating. */
export function why(rating) {
  const charge = rating.corrects ? `${rating.charge}@${rating.corrects.period_start ?? rating.corrects}` : rating.charge;
  return link(["why", rating.subscription, charge], { period_start: rating.period_start });
}

function columns(zone) {
  return [
    { label: "Period", value: (row) => row.period_start, show: (row) => period(row.period_start, row.period_end, zone) },
    { label: "Charge", value: named, show: (row, rows) => html`${chargeName(row, rows)}${row.corrects ? html` <span class="tag">adjusts ${period(row.corrects.period_start, row.corrects.period_end, zone)}</span>` : null}` },
    { label: "State", value: (row) => stateName(row.state) },
    { label: "Units", value: (row) => row.units, show: (row) => units(row.units), isNumber: true },
    { label: "Included", value: (row) => row.included_units, show: (row) => units(row.included_units), isNumber: true },
    { label: "Billable", value: (row) => row.billable_units, show: (row) => units(row.billable_units), isNumber: true },
    { label: "Amount", value: (row) => row.amount, show: (row) => amount(row.amount, row.currency), isNumber: true },
    { label: "Currency", value: (row) => row.currency },
    { label: "Explanation", value: () => "", isAction: true, show: (row) => html`<a href=${why(row)}>Why?</a>` },
  ];
}
