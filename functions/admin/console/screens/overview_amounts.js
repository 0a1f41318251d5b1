/** What is rated, by month, plan and currency. Shown while it is still being read: there may be many ratings. */

import { get, Problem } from "../lib/api.js";
import { sum } from "../lib/decimal.js";
import { amount, dayOf, monthName, stateName, units } from "../lib/format.js";
import { html, useEffect, useState } from "../lib/html.js";
import { Failure } from "../lib/states.js";
import { Table } from "../lib/table.js";

const DAY = 86_400_000;
/** Days from today: the periods that end in them, in the order they are read. */
const RANGES = [[0, 366], [-100, 0]];

/**
 * @typedef {object} Amounts
 * @property {Map<string, any>} rows
 * @property {number} count ratings read
 * @property {boolean} isWhole
 * @property {boolean} [isMissing] the service lists no ratings
 * @property {Error} [error]
 */

export function Amounts() {
  const [attempt, setAttempt] = useState(0);
  const [found, setFound] = useState({ rows: new Map(), count: 0, isWhole: false });
  useEffect(() => {
    let isCurrent = true;
    const show = (part) => isCurrent && setFound(part);
    read(show, () => isCurrent);
    return () => {
      isCurrent = false;
    };
  }, [attempt]);
  if (found.isMissing) return null;
  const rows = [...found.rows.values()].map((row) => ({ ...row, subscriptions: row.subscriptions.size }));
  const note = found.isWhole || found.error ? "" : `Counting: ${units(found.count)} ratings so far …`;
  return html`${found.error ? html`<${Failure} error=${found.error} retry=${() => setAttempt(attempt + 1)} />` : null}
    <${AmountTable} rows=${rows} isWhole=${found.isWhole} note=${note} />`;
}

export function AmountTable({ rows, isWhole, note }) {
  return html`<h2>Amounts</h2>
    <ul class="cards">${openTotals(rows).map((total) => html`<li class="card" key=${total.currency}>
      <p class="muted">Open periods that end by next month, ${total.currency}</p><p class="figure">${amount(total.amount, total.currency)}</p></li>`)}</ul>
    <p role="status">${note}</p>
    <${Table} caption="By month of the period's end, plan and currency" name="amounts" rows=${rows} columns=${COLUMNS} sort=${0} descending=${true}
      empty=${isWhole ? "Nothing was rated yet." : "Loading …"} />`;
}

/** @type {import("../lib/table.js").Column[]} */
const COLUMNS = [
  { label: "Ends in", value: (row) => row.month, show: (row) => monthName(row.month) },
  { label: "State", value: (row) => stateName(row.state) },
  { label: "Plan", value: (row) => row.plan },
  { label: "Subscriptions", value: (row) => row.subscriptions, isNumber: true },
  { label: "Amount", value: (row) => row.amount, show: (row) => amount(row.amount, row.currency), isNumber: true },
  { label: "Currency", value: (row) => row.currency },
];

function openTotals(rows) {
  const open = rows.filter((row) => row.state === "open");
  const currencies = [...new Set(open.map((row) => row.currency))].sort();
  return currencies.map((currency) => ({ currency, amount: sum(open.filter((row) => row.currency === currency).map((row) => row.amount)) }));
}

/** Read all ratings of the ranges, and show what is known after each page. @param {(part: Amounts) => void} show @param {() => boolean} isCurrent */
async function read(show, isCurrent) {
  const rows = /** @type {Map<string, any>} */ (new Map());
  let count = 0;
  try {
    for (const [from, to] of RANGES) {
      let cursor;
      do {
        const page = await get("ratings", { period_end_from: day(from), period_end_to: day(to), limit: "500", cursor });
        for (const rating of page.items) add(rows, rating);
        count += page.items.length;
        cursor = page.cursor ?? undefined;
        show({ rows: new Map(rows), count, isWhole: false });
      } while (cursor && isCurrent());
    }
    show({ rows, count, isWhole: true });
  } catch (error) {
    const isMissing = error instanceof Problem && error.status === 404;
    show({ rows, count, isWhole: false, isMissing, error: /** @type {Error} */ (error) });
  }
}

function add(rows, rating) {
  const month = dayOf(rating.period_end, rating.timezone).slice(0, 7);
  const { state, plan, currency } = rating;
  const key = [month, state, plan, currency].join("|");
  const row = rows.get(key) ?? { month, state, plan, currency, amount: "0", subscriptions: new Set() };
  row.amount = sum([row.amount, rating.amount]);
  row.subscriptions.add(rating.subscription);
  rows.set(key, row);
}

export function day(days) {
  return dayOf(new Date(Date.now() + days * DAY), "UTC");
}
