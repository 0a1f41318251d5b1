/** Why is this billed? From the order line to the rating, its steps, its price, its records and their revisions. */

import { get, getIfAny, path } from "../lib/api.js";
import { difference, sum } from "../lib/decimal.js";
import { amount, date, dateTime, isEqual, period, quantity, units } from "../lib/format.js";
import { html } from "../lib/html.js";
import { link } from "../lib/router.js";
import { Loaded, useData } from "../lib/states.js";
import { Steps, unitOf } from "../lib/steps.js";
import { Table } from "../lib/table.js";
import { AGGREGATIONS, appliesTo, priceInWords } from "../lib/words.js";
import { described } from "./subscription.js";
import { customerName } from "./subscriptions.js";
import { calculatedAt, Records } from "./why_records.js";

/** Why a version was calculated. @type {Record<string, string>} */
const CAUSES = {
  usage: "new or changed usage",
  definition: "a changed price or metric",
  subscription: "a change of the subscription",
  run: "a calculation on demand",
  invoice: "the invoice",
};

export function Screen({ params, query, session }) {
  const [id, charge] = params;
  const target = path`subscriptions/${id}/ratings/${charge}`;
  const load = async () => {
    const [rating, subscription] = await Promise.all([getIfAny(target, { period_start: query.period_start, limit: "100" }), described(id, session)]);
    return { rating, subscription, now: rating && (await calculatedNow(rating)) };
  };
  const loading = useData(load, [target, query.period_start]);
  return html`<${Loaded} from=${loading} what="the explanation">${({ rating, subscription, now }) => rating === null ? html`<h1>Why?</h1>
    <p>Nothing was calculated for ${charge.split("@")[0]} in this period yet: nothing was used, or the first calculation is still to come.
      <a href=${link(["subscription", id])}>Usage of ${customerName(subscription)}</a></p>` : html`
    <h1>Why ${amount(rating.amount, rating.currency)} for ${rating.charge_name}?</h1>
    <p class="actions"><button type="button" onClick=${() => print()}>Print</button>
      <a class="button" href=${link(["subscription", id], { tab: "ratings" })}>All ratings of ${customerName(subscription)}</a></p>
    <p class="muted">${about(rating, subscription)}</p>
    <${Explanation} rating=${rating} subscription=${subscription} now=${now} />
    <${Records} rating=${rating} subscription=${subscription} isBehind=${now !== null} session=${session}
      load=${(page) => get(target, { period_start: query.period_start, ...page })} />
    <${Versions} rating=${rating} zone=${subscription.timezone} />`}</${Loaded}>`;
}

/** Return what an open period's charge comes to now, if that is not what was calculated last; null otherwise. */
async function calculatedNow(rating) {
  if (rating.state !== "open" || rating.corrects) return null;
  const usage = await get(path`subscriptions/${rating.subscription}/usage`, { at: rating.period_start }).catch(() => null);
  const charges = usage?.metrics.flatMap((metric) => metric.charges) ?? [];
  const now = charges.find((each) => each.charge === rating.charge);
  return now && !(isEqual(now.amount, rating.amount) && isEqual(now.units, rating.units)) ? now : null;
}

function about(rating, { id, name, timezone }) {
  const price = rating.price?.versions?.at(-1);
  return `Charge ${rating.charge}${price ? ` for ${appliesTo(price)}` : ""}. Subscription ${name && name !== id ? `${name} (${id})` : id}. Dates and times are those of ${timezone}.`;
}

function Explanation({ rating, subscription, now }) {
  const zone = subscription.timezone;
  const { corrects, currency } = rating;
  const later = rating.adjustments ?? [];
  return html`<ol class="chain">
    <li class="step"><h2>In short</h2><p>${corrects ? adjusted(rating, zone) : inShort(rating, customerName(subscription), zone)}</p>
      ${now ? html`<div class="notice warn"><p>${outdated(rating, now, zone)}</p></div>` : null}</li>
    <li class="step"><h2>On the order in Odoo</h2><p>${ofLine(rating)}</p></li>
    <li class="step"><h2>How the amount comes about</h2>
      <${Steps} steps=${rating.steps} rating=${rating} caption="Steps" total=${rating.amount} exact=${rating.unrounded_amount} />
      ${corrects?.steps ? html`<${Steps} steps=${corrects.steps} rating=${rating} caption="Steps of the corrected period" total=${corrects.amount} />` : null}
      ${rating.steps_next ? html`<p class="muted">The first ${units((corrects ?? rating).steps.length)} of ${units(rating.steps_total)} steps are shown; the amount is that of all.</p>` : null}
      ${(rating.price?.versions ?? []).map((version) => html`<p>${priced(version, zone, unitOf(rating))}</p>`)}
      <p>${counted(rating.price?.metric)}</p>
    </li>
    ${later.length ? html`<li class="step"><h2>Corrected later</h2>
      <p>After this period was invoiced, usage of it changed. Its invoice stays as it is; the difference is on a later one:</p>
      <ul>${later.map((each) => html`<li>${signed(each.amount, currency)} in ${period(each.period_start, each.period_end, zone)}: <a href=${link(["why", each.subscription, `${each.charge}@${rating.period_start}`], { period_start: each.period_start })}>why?</a></li>`)}</ul>
      <p>With that, the period comes to ${amount(sum([rating.amount, ...later.map((each) => each.amount)]), currency)}.</p></li>` : null}
  </ol>`;
}

function inShort(rating, customer, zone) {
  const unit = unitOf(rating);
  const free = difference(rating.units, rating.billable_units);
  const isFlat = rating.price?.versions?.at(-1)?.model.type === "flat";
  const included = Number(rating.included_units) > 0 && !isFlat ? ` Of these, ${units(free)} ${free === "1" ? "is" : "are"} included${isEqual(free, rating.included_units) ? "" : ` (up to ${units(rating.included_units)})`}, so ${units(rating.billable_units)} are billed.` : "";
  const state = rating.state === "open" ? " The period is still open: the amount changes with further usage." : "";
  return `In ${period(rating.period_start, rating.period_end, zone)}, ${customer} used ${quantity(rating.units, unit)}.${included} At the price below that is ${amount(rating.amount, rating.currency)}.${state}`;
}

function adjusted(rating, zone) {
  const { corrects, currency } = rating;
  const name = period(corrects.period_start, corrects.period_end, zone);
  return `${name} was invoiced at ${amount(corrects.invoiced_amount, currency)}. Usage of it changed afterwards: calculated again, it comes to ${amount(corrects.amount, currency)}. The invoice stays as it is; the difference of ${signed(rating.amount, currency)} in ${period(rating.period_start, rating.period_end, zone)}.`;
}

function signed(value, currency) {
  return value.startsWith("-") ? `${amount(value.slice(1), currency)} is credited` : `${amount(value, currency)} is billed`;
}

function outdated(rating, now, zone) {
  return `Usage or prices changed after this was calculated (${dateTime(calculatedAt(rating), zone)}). With them it comes to ${amount(now.amount, now.currency)} for ${quantity(now.units, unitOf(rating))}; the next calculation takes them in.`;
}

function ofLine(rating) {
  const { line, currency } = rating;
  if (!line) return isEqual(rating.amount, "0") ? "Nothing is to be billed, so there is no order line." : "No order line was sent yet.";
  const stored = line.amount === null ? "no line for this yet" : amount(line.amount, currency);
  if (line.state === "failed") return `The order line could not be written: ${line.error ?? "see Order lines"}. Odoo has ${stored}.`;
  if (line.odoo_line_id === null) return "The order line is not in Odoo yet: it is sent at its time.";
  if (line.amount === null || !isEqual(line.amount, rating.amount)) return `Order line ${line.odoo_line_id} has ${stored}; it is brought to ${amount(rating.amount, currency)} at its time.`;
  return `Order line ${line.odoo_line_id} bills ${stored}.${line.state === "final_invoice" ? " The subscription has ended, so it is to be invoiced by hand." : ""}`;
}

function priced(version, zone, unit) {
  const since = version.valid_from ? ` from ${/T/.test(version.valid_from) ? dateTime(version.valid_from, zone) : date(version.valid_from)} on` : "";
  return `Price${since}: ${priceInWords(version, unit)}.`;
}

function counted(metric) {
  if (!metric) return "";
  const rounding = metric.rounding ? `, rounded ${metric.rounding.mode.replace("_", " ")} to ${quantity(String(metric.rounding.digits), "digit")}` : "";
  return `What counts: ${AGGREGATIONS[metric.aggregation] ?? metric.aggregation}${rounding}.`;
}

function Versions({ rating, zone }) {
  return html`<${Table} caption="How the amount changed" name=${`versions-${rating.subscription}-${rating.charge}`} rows=${rating.history} sort=${0} descending=${true} pageSize=${10} columns=${[
    { label: "Version", value: (entry) => entry.version, isNumber: true },
    { label: "Calculated", value: (entry) => entry.rated_at, show: (entry) => dateTime(entry.rated_at, zone) },
    { label: "Units", value: (entry) => entry.units, show: (entry) => units(entry.units), isNumber: true },
    { label: "Amount", value: (entry) => entry.amount, show: (entry) => amount(entry.amount, rating.currency), isNumber: true },
    { label: "Because of", value: (entry) => CAUSES[entry.cause] ?? "" },
  ]} />`;
}
