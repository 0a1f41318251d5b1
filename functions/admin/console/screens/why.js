/** Why is this billed? From the order line to the rating, its steps, its price, its records and their revisions. */

import { get, getIfAny, path } from "../lib/api.js";
import { amount, date, dateTime, period, stateName, units } from "../lib/format.js";
import { html } from "../lib/html.js";
import { link } from "../lib/router.js";
import { allows } from "../lib/session.js";
import { Loaded, useData } from "../lib/states.js";
import { Table } from "../lib/table.js";
import { AGGREGATIONS, modelInWords } from "../lib/words.js";
import { Records } from "./why_records.js";
import { customerName } from "./subscriptions.js";

/** @param {{params: string[], query: Record<string, string>, session: any}} props */
export function Screen({ params, query, session }) {
  const [id, charge] = params;
  const target = path`subscriptions/${id}/ratings/${charge}`;
  const load = async () => {
    const [rating, subscription] = await Promise.all([
      get(target, { period_start: query.period_start, limit: "100" }),
      allows(session, "catalog:read") ? getIfAny(path`subscriptions/${id}`) : null,
    ]);
    return { rating, subscription: subscription ?? { id, timezone: "UTC" } };
  };
  const loading = useData(load, [target, query.period_start]);
  return html`<${Loaded} from=${loading} what="the explanation">${(/** @type {any} */ { rating, subscription }) => html`
    <h1>Why ${amount(rating.amount, rating.currency)} for ${rating.charge_name}?</h1>
    <p class="actions"><button type="button" onClick=${() => print()}>Print</button>
      <a class="button" href=${link(["subscription", id], { tab: "ratings" })}>All ratings of ${customerName(subscription)}</a></p>
    <${Explanation} rating=${rating} subscription=${subscription} />
    <${Records} rating=${rating} zone=${subscription.timezone} session=${session}
      load=${(/** @type {any} */ page) => get(target, { period_start: query.period_start, ...page })} />
    <${Versions} rating=${rating} zone=${subscription.timezone} />`}</${Loaded}>`;
}

/** @param {{rating: any, subscription: any}} props */
function Explanation({ rating, subscription }) {
  const zone = subscription.timezone;
  const name = period(rating.period_start, rating.period_end, zone);
  return html`<ol class="chain">
    <li class="step"><h2>In short</h2><p>${rating.corrects ? adjusted(rating, zone) : inShort(rating, customerName(subscription), name)}</p></li>
    <li class="step"><h2>On the order in Odoo</h2><p>${ofLine(rating)}</p></li>
    <li class="step"><h2>How the amount comes about</h2>
      <${Steps} steps=${rating.steps} rating=${rating} caption="Steps" />
      ${rating.corrects?.steps ? html`<${Steps} steps=${rating.corrects.steps} rating=${rating} caption="Steps of the corrected period" />` : null}
      ${(rating.price?.versions ?? []).map((/** @type {any} */ version) => html`<p>${priced(version, zone)}</p>`)}
      <p>${counted(rating.price?.metric)}</p>
    </li>
    ${rating.adjustments?.length ? html`<li class="step"><h2>Corrected later</h2>${rating.adjustments.map((/** @type {any} */ later) => html`
      <p>After this period was invoiced, usage of it changed. The difference of ${amount(later.amount, later.currency)} is billed in ${period(later.period_start, later.period_end, zone)}:
        <a href=${link(["why", later.subscription, `${later.charge}@${rating.period_start}`], { period_start: later.period_start })}>why?</a></p>`)}</li>` : null}
  </ol>`;
}

/** @param {any} rating @param {string} customer @param {string} name */
function inShort(rating, customer, name) {
  const unit = rating.unit ?? "units";
  const included = Number(rating.included_units) > 0 ? ` ${units(rating.included_units)} are included, so ${units(rating.billable_units)} are billed.` : "";
  const state = rating.state === "open" ? " The period is still open: the amount changes with further usage." : "";
  return `In ${name}, ${customer} used ${units(rating.units)} ${unit}.${included} At the price below that is ${amount(rating.amount, rating.currency)}.${state}`;
}

/** @param {any} rating @param {string} zone */
function adjusted(rating, zone) {
  const { corrects, currency } = rating;
  return `${period(corrects.period_start, corrects.period_end, zone)} was invoiced at ${amount(corrects.invoiced_amount, currency)}. Usage of it changed afterwards: rated again it comes to ${amount(corrects.amount, currency)}. The difference of ${amount(rating.amount, currency)} is billed in ${period(rating.period_start, rating.period_end, zone)}.`;
}

/** @param {any} rating */
function ofLine(rating) {
  const { line, currency } = rating;
  if (!line) return "No order line was sent yet.";
  if (line.state === "failed") return `The order line could not be written: ${line.error ?? "see Order lines"}. Odoo has ${line.amount === null ? "no line" : amount(line.amount, currency)}.`;
  if (line.odoo_line_id === null) return `The order line is not in Odoo yet; it is ${stateName(line.state).toLowerCase()}.`;
  return `Order line ${line.odoo_line_id} bills ${amount(line.amount, currency)}, from version ${line.version} of this rating. It is ${stateName(line.state).toLowerCase()}.`;
}

/** @param {{steps: any[], rating: any, caption: string}} props */
function Steps({ steps, rating, caption }) {
  return html`<${Table} caption=${caption} name=${`steps-${rating.subscription}-${rating.charge}`} rows=${steps} level=${3} pageSize=${100} columns=${[
    { label: "Step", value: (/** @type {any} */ step) => step.description },
    { label: "Units", value: (/** @type {any} */ step) => step.units, show: (/** @type {any} */ step) => units(step.units), isNumber: true },
    { label: "Price of a unit", value: (/** @type {any} */ step) => step.unit_amount, show: (/** @type {any} */ step) => amount(step.unit_amount, rating.currency), isNumber: true },
    { label: "Amount", value: (/** @type {any} */ step) => step.amount, show: (/** @type {any} */ step) => amount(step.amount, rating.currency), isNumber: true },
  ]} />
  ${rating.steps_next ? html`<p class="muted">The first ${steps.length} of ${rating.steps_total} steps are shown.</p>` : null}`;
}

/** @param {any} version of a charge @param {string} zone */
function priced(version, zone) {
  const since = version.valid_from ? ` from ${/T/.test(version.valid_from) ? dateTime(version.valid_from, zone) : date(version.valid_from)} on` : "";
  return `Price${since}: ${modelInWords(version.model, version.currency)}, with ${units(version.included_units ?? "0")} units included.`;
}

/** @param {any} metric */
function counted(metric) {
  return metric ? `What counts: ${AGGREGATIONS[metric.aggregation] ?? metric.aggregation}.` : "";
}

/** @param {{rating: any, zone: string}} props */
function Versions({ rating, zone }) {
  return html`<${Table} caption="How the amount changed" name=${`versions-${rating.subscription}-${rating.charge}`} rows=${rating.history} sort=${0} descending=${true} pageSize=${10} columns=${[
    { label: "Version", value: (/** @type {any} */ entry) => entry.version, isNumber: true },
    { label: "Rated", value: (/** @type {any} */ entry) => entry.rated_at, show: (/** @type {any} */ entry) => dateTime(entry.rated_at, zone) },
    { label: "Units", value: (/** @type {any} */ entry) => entry.units, show: (/** @type {any} */ entry) => units(entry.units), isNumber: true },
    { label: "Amount", value: (/** @type {any} */ entry) => entry.amount, show: (/** @type {any} */ entry) => amount(entry.amount, rating.currency), isNumber: true },
    { label: "Because of", value: (/** @type {any} */ entry) => entry.cause ?? "" },
  ]} />`;
}
