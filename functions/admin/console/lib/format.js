/** Amounts, units and times, written as the reader's locale has them; times in the subscription's time zone. */

const LOCALE = navigator.languages?.length ? [...navigator.languages] : [navigator.language];

/** Return how many digits a decimal text has after its point. @param {string} text */
function digitsOf(text) {
  return text.split(".")[1]?.length ?? 0;
}

/**
 * Write an amount with the digits it has: `"1.00"` of EUR as €1.00.
 * @param {string | null | undefined} value
 * @param {string} currency
 */
export function amount(value, currency) {
  if (value === null || value === undefined) return "–";
  const digits = digitsOf(value);
  try {
    const options = { style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits };
    return new Intl.NumberFormat(LOCALE, /** @type {any} */ (options)).format(/** @type {any} */ (value));
  } catch {
    return `${value} ${currency}`;
  }
}

/** Write a number of units. @param {string | number | null | undefined} value */
export function units(value) {
  if (value === null || value === undefined) return "–";
  const text = String(value);
  return new Intl.NumberFormat(LOCALE, { maximumFractionDigits: Math.min(20, digitsOf(text)) }).format(/** @type {any} */ (text));
}

/** Write a number of units for people, with two digits at most. @param {string} value */
export function about(value) {
  return new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 2 }).format(/** @type {any} */ (value));
}

/** @param {string | null | undefined} instant @param {string} [zone] */
export function dateTime(instant, zone) {
  if (!instant) return "–";
  const options = { dateStyle: "medium", timeStyle: "short", timeZone: zone };
  return new Intl.DateTimeFormat(LOCALE, /** @type {any} */ (options)).format(new Date(instant));
}

/** @param {string | null | undefined} instant an instant, or a date of the calendar @param {string} [zone] */
export function date(instant, zone) {
  if (!instant) return "–";
  const isDay = /^\d{4}-\d\d-\d\d$/.test(instant);
  const options = { dateStyle: "medium", timeZone: isDay ? "UTC" : zone };
  return new Intl.DateTimeFormat(LOCALE, /** @type {any} */ (options)).format(new Date(instant));
}

/**
 * Write a period, whose end is the first instant that is no part of it: 1 – 30 Nov 2026.
 * @param {string} start @param {string} end @param {string} [zone]
 */
export function period(start, end, zone) {
  const format = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", year: "numeric", timeZone: zone });
  return format.formatRange(new Date(start), new Date(Date.parse(end) - 1));
}

/** Return the day an instant is on in a zone, as 2026-11-30. @param {string | Date} instant @param {string} [zone] */
export function dayOf(instant, zone) {
  const format = new Intl.DateTimeFormat("sv-SE", { year: "numeric", month: "2-digit", day: "2-digit", timeZone: zone });
  return format.format(new Date(instant));
}

/** What a state of the API is called. @type {Record<string, string>} */
const STATES = {
  "1_draft": "Quotation",
  "2_renewal": "Renewal quotation",
  "3_progress": "In progress",
  "4_paused": "Paused",
  "5_renewed": "Renewed",
  "6_churn": "Ended",
  "7_upsell": "Upsell",
  final_invoice: "To be invoiced by hand",
};

/** @param {string | null | undefined} state */
export function stateName(state) {
  if (!state) return "–";
  return STATES[state] ?? state.charAt(0).toUpperCase() + state.slice(1).replaceAll("_", " ");
}
