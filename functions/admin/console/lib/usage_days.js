/** Usage records by day, for plots. Figures to read come from the API; these are drawn. */

import { dayOf } from "./format.js";

const ADDS_UP = new Set(["sum", "count", "time_weighted", "unique_count"]);
const DAY = 86_400_000;

/** Return whether days of an aggregation add up. @param {string} aggregation */
export function addsUp(aggregation) {
  return ADDS_UP.has(aggregation);
}

/** Return the days of a period, as 2026-11-30. @param {string} start @param {string} end @param {string} zone */
export function daysOf(start, end, zone) {
  const days = [];
  const last = dayOf(new Date(Date.parse(end) - 1), zone);
  let day = dayOf(start, zone);
  while (day <= last && days.length < 400) {
    days.push(day);
    day = new Date(Date.parse(`${day}T12:00:00Z`) + DAY).toISOString().slice(0, 10);
  }
  return days;
}

/** Return what records can be split by: nothing, their source, a property. @returns {[string, string][]} */
export function groupings(records) {
  const sources = new Set(records.map((record) => record.source));
  const properties = new Set(records.flatMap((record) => Object.keys(record.properties ?? {})));
  return [
    ["none", "nothing"],
    ...[...properties].sort().map((name) => /** @type {[string, string]} */ ([`property:${name}`, `property “${name}”`])),
    ...(sources.size > 1 ? [/** @type {[string, string]} */ (["source", "source"])] : []),
  ];
}

function groupOf(record, grouping) {
  if (grouping === "source") return record.source;
  if (grouping.startsWith("property:")) return record.properties?.[grouping.slice(9)] ?? "without it";
  return "all";
}

/**
 * Return bars: each group's quantity by day.
 * @param {string[]} days @param {string} zone @param {string} grouping @param {string} aggregation
 * @returns {import("./plot.js").Series[]}
 */
export function byDay(records, days, zone, grouping, aggregation) {
  const place = new Map(days.map((day, index) => [day, index]));
  /** @type {Map<string, (number | null)[]>} */
  const groups = new Map();
  for (const record of records) {
    const index = place.get(dayOf(record.period_start, zone));
    if (index === undefined) continue;
    const group = groupOf(record, grouping);
    if (!groups.has(group)) groups.set(group, days.map(() => null));
    const values = /** @type {(number | null)[]} */ (groups.get(group));
    values[index] = joined(values[index], quantityOf(record, aggregation), aggregation);
  }
  const shown = [...groups].sort(([one], [other]) => one.localeCompare(other));
  return mostly(shown).map(([label, values]) => ({ label: grouping === "none" ? "Used" : label, values, kind: "bar" }));
}

/** Return the five largest groups, and the rest as one. @param {[string, (number | null)[]][]} groups */
function mostly(groups) {
  if (groups.length <= 6) return groups;
  const weight = (values) => values.reduce((all, value) => all + (value ?? 0), 0);
  const large = [...groups].sort(([, one], [, other]) => weight(other) - weight(one));
  const rest = large.slice(5).map(([, values]) => values);
  const others = rest[0].map((_, index) => rest.reduce((all, values) => all + (values[index] ?? 0), 0));
  return [...large.slice(0, 5), /** @type {[string, (number | null)[]]} */ (["others", others])];
}

function quantityOf(record, aggregation) {
  return aggregation === "count" ? 1 : Number(record.quantity);
}

function joined(before, value, aggregation) {
  if (before === null) return value;
  if (aggregation === "max") return Math.max(before, value);
  if (aggregation === "min") return Math.min(before, value);
  if (addsUp(aggregation)) return before + value;
  return value;
}

/**
 * Return lines: what was used up to each day, what is included, and what is projected, between the pace of the whole
 * period and that of its last week.
 * @param {{records: any[], days: string[], zone: string, aggregation: string, metric: any, usage: any}} what
 * @returns {import("./plot.js").Series[]}
 */
export function cumulative({ records, days, zone, aggregation, metric, usage }) {
  const [bar] = byDay(records, days, zone, "none", aggregation);
  const reached = 1 + (bar?.values.findLastIndex((value) => value !== null) ?? -1);
  let level = /** @type {number | null} */ (null);
  const used = days.map((_, index) => {
    if (index >= reached) return null;
    const value = bar?.values[index] ?? null;
    if (value !== null) level = joined(level, value, aggregation);
    return level ?? 0;
  });
  const included = Number(metric.included_units);
  /** @type {import("./plot.js").Series[]} */
  const lines = [{ label: "Used so far", values: used, kind: "line" }];
  if (included > 0) lines.push({ label: "Included", values: days.map(() => included), kind: "dashed" });
  const isProjected = usage.state === "open" && metric.projection.units !== null && reached > 0 && reached < days.length;
  if (!isProjected) return lines;
  const now = used[reached - 1] ?? 0;
  const at = (end) => days.map((_, index) => (index < reached - 1 ? null : now + ((end - now) * (index - reached + 1)) / (days.length - reached)));
  lines.push({ label: "Projected", values: at(Number(metric.projection.units)), kind: "dashed" });
  if (addsUp(aggregation)) {
    const week = Math.min(7, reached);
    const left = days.length - reached;
    const paces = [now / reached, (now - (used[reached - 1 - week] ?? 0)) / week].sort((one, other) => one - other);
    lines.push({ label: "At the slower pace", values: at(now + paces[0] * left), kind: "line" });
    lines.push({ label: "At the faster pace", values: at(now + paces[1] * left), kind: "band" });
  }
  return lines;
}
