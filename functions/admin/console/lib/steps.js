/** The steps of a rating as a person reads them: figures by locale, the metric's unit, prices in their currency. */

import { sum } from "./decimal.js";
import { amount, date, isEqual, quantity, units } from "./format.js";
import { html } from "./html.js";
import { Table } from "./table.js";

/** A step's label (dates, properties: left as they are), and its words, which have no other colon. */
const PARTS = /^(.*?: )??((?:Tier \d+ \([^)]*\): |Included: |Free: )?[^:]*)$/s;
const FIGURES = /(\d{4}-\d\d-\d\d)|((?:minimum|maximum|flat amount) of | at )?(-?\d+(?:\.\d+)?)( [A-Z]{3}\b)?( units?\b)?(?=( for )?)/g;
const PRICED = / at -?\d|% of /;
const LUMP = /flat amount|(rais|lower)ed to|^Less |rated again: /i;

/** Return the unit of what is priced; none if the units of the metric are converted. @returns {string | undefined} */
export function unitOf(rating) {
  return rating.price?.versions?.some((version) => version.unit_conversion) ? undefined : (rating.unit ?? undefined);
}

/** Return a step in words. @param {string} currency @param {string} [unit] */
export function inWords({ description }, currency, unit) {
  const [, label = "", words] = PARTS.exec(description) ?? [, "", description];
  const isBound = /^(Raised|Lowered)/.test(words);
  const text = words.replace(FIGURES, (_, day, price, figure, _currency, noun, share) => {
    if (day) return date(day);
    if (price || (isBound && share)) return `${price ?? ""}${amount(figure, currency)}`;
    return noun ? quantity(figure, unit) : units(figure);
  });
  return label.replace("rated again", "calculated again") + text;
}

/** Return the figures of a step that mean something: a note has no price, a lump sum no quantity. @param {string} currency */
export function figures(step, currency) {
  const isPriced = PRICED.test(step.description);
  const isNote = !isPriced && !LUMP.test(step.description) && isEqual(step.amount, "0") && isEqual(step.unit_amount, "0");
  const rate = /([\d.]+) % of /.exec(step.description);
  return {
    quantity: isPriced || isNote ? units(step.units) : "",
    price: !isPriced ? "" : rate ? `${units(rate[1])} %` : amount(step.unit_amount, currency),
    amount: isNote ? "" : amount(step.amount, currency),
  };
}

/** Steps with their sum. @param {{steps: any[], rating: any, caption: string, total: string, exact?: string, level?: number}} props */
export function Steps({ steps, rating, caption, total, exact = sum(steps.map((step) => step.amount)), level = 3 }) {
  const { currency } = rating;
  const shown = (name) => (step) => figures(step, currency)[name];
  return html`<${Table} caption=${caption} name=${rating.charge ? `steps-${rating.subscription}-${rating.charge}` : "estimate"} rows=${steps} level=${level} pageSize=${100} columns=${[
    { label: "Step", value: (step) => inWords(step, currency, unitOf(rating)) },
    { label: "Quantity", value: (step) => step.units, show: shown("quantity"), isNumber: true },
    { label: "Price each", value: (step) => step.unit_amount, show: shown("price"), isNumber: true },
    { label: "Amount", value: (step) => step.amount, show: shown("amount"), isNumber: true },
  ]} />
  <p>Together ${isEqual(exact, total) ? "" : `${amount(exact, currency)}, rounded to `}<strong>${amount(total, currency)}</strong>.</p>`;
}
