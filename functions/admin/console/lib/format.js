/** Amounts, units and times, written as the reader's locale has them; times in the subscription's time zone. */

const LOCALE = navigator.languages?.length ? [...navigator.languages] : [navigator.language];

/** Return how many digits a decimal text has after its point. @param {string} text */
function digitsOf(text) {
  return text.split(".")[1]?.length ?? 0;
}

/** Most digits after the point that are written out; a figure that does not end has 38. */
const MOST_DIGITS = 20;
const FEW_DIGITS = 8;

/**
 * Write an amount with the digits it has, and at least those of its currency: `"1"` of EUR as €1.00.
 * @param {string | null | undefined} value
 * @param {string} currency
 */
export function amount(value, currency) {
  if (value === null || value === undefined) return "–";
  const digits = digitsOf(value);
  try {
    const options = { style: "currency", currency };
    const own = new Intl.NumberFormat(LOCALE, options).resolvedOptions().maximumFractionDigits ?? 2;
    options.maximumFractionDigits = Math.max(own, digits > MOST_DIGITS ? FEW_DIGITS : digits);
    options.minimumFractionDigits = Math.max(own, digits > MOST_DIGITS ? 0 : digits);
    return (digits > MOST_DIGITS ? "≈ " : "") + new Intl.NumberFormat(LOCALE, options).format(value);
  } catch {
    return `${value} ${currency}`;
  }
}

/** Write a number of units. @param {string | number | null | undefined} value */
export function units(value) {
  if (value === null || value === undefined) return "–";
  const text = String(value);
  const isLong = digitsOf(text) > MOST_DIGITS;
  return (isLong ? "≈ " : "") + new Intl.NumberFormat(LOCALE, { maximumFractionDigits: isLong ? FEW_DIGITS : digitsOf(text) }).format(text);
}

/** Write a number of units with their noun: `1,000 calls`. @param {string} value @param {string | null} [unit] */
export function quantity(value, unit) {
  return `${units(value)} ${noun(unit || "unit", value)}`;
}

/** Return a unit in the plural if it is an English noun: not of GB, kWh, or units in other languages. @param {string} unit @param {string} [value] */
export function noun(unit, value) {
  if (value === "1" || !/^([a-z]{4,}|day|job|run|app)$/.test(unit) || !/[aeiou]/.test(unit) || unit.endsWith("s")) return unit;
  return unit.replace(/([^aeiou])y$/, "$1ie").replace(/(x|z|ch|sh)$/, "$1e") + "s";
}

/** Return whether two decimal texts are the same number. @param {string} one @param {string} other */
export function isEqual(one, other) {
  const plain = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  return plain(one) === plain(other);
}

/** Write a number of units for people, with two digits at most. @param {string} value */
export function about(value) {
  return new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 2 }).format(value);
}

export function dateTime(instant, zone) {
  if (!instant) return "–";
  const options = { dateStyle: "medium", timeStyle: "short", timeZone: zone };
  return new Intl.DateTimeFormat(LOCALE, options).format(new Date(instant));
}

export function date(instant, zone) {
  if (!instant) return "–";
  const isDay = /^\d{4}-\d\d-\d\d$/.test(instant);
  const options = { dateStyle: "medium", timeZone: isDay ? "UTC" : zone };
  return new Intl.DateTimeFormat(LOCALE, options).format(new Date(instant));
}

/**
 * Write a period, whose end is the first instant that is no part of it: 1 – 30 Nov 2026.
 * @param {string} start @param {string} end @param {string} [zone]
 */
export function period(start, end, zone) {
  const format = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", year: "numeric", timeZone: zone });
  return format.formatRange(new Date(start), new Date(Date.parse(end) - 1));
}

/** @param {string} month as 2026-11 */
export function monthName(month) {
  return new Intl.DateTimeFormat(LOCALE, { month: "short", year: "numeric", timeZone: "UTC" }).format(new Date(`${month}-01`));
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

export function stateName(state) {
  if (!state) return "–";
  return STATES[state] ?? state.charAt(0).toUpperCase() + state.slice(1).replaceAll("_", " ");
}
