/** Definitions in plain words. */

import { amount, noun, quantity, units } from "./format.js";

/** What an aggregation counts. @type {Record<string, string>} */
export const AGGREGATIONS = {
  sum: "the quantities of all records, added up",
  count: "the number of records",
  max: "the largest quantity of any record",
  min: "the smallest quantity of any record",
  last: "the quantity of the latest record",
  average: "the average of all quantities",
  unique_count: "the number of different members",
  time_weighted: "each quantity by the share of the period it lasts",
};

/** The charge models. @type {[string, string][]} */
export const MODELS = [
  ["per_unit", "Per unit"],
  ["graduated", "Graduated tiers"],
  ["volume", "Volume tiers"],
  ["package", "Packages"],
  ["percentage", "Percentage of each record"],
  ["graduated_percentage", "Graduated percentage"],
  ["flat", "Flat amount"],
];

/** Return a charge model as a phrase. @param {string} currency @param {string} [unit] @returns {string} */
export function modelInWords(model, currency, unit) {
  const money = (value) => amount(value, currency);
  const tiers = (price) => model.tiers.map((tier) => {
    const flat = Number(tier.flat_amount) ? ` and ${money(tier.flat_amount)} once` : "";
    return `${tier.up_to === null ? "then" : `up to ${units(tier.up_to)}`} ${price(tier)}${flat}`;
  }).join(", ");
  switch (model.type) {
    case "per_unit":
      return `${money(model.unit_amount)} for each ${unit ?? "unit"}`;
    case "flat":
      return `${money(model.amount)} a period, whatever is used`;
    case "package":
      return `${money(model.package_amount)} for each ${model.rounding === "down" ? "full" : "started"} package of ${quantity(model.package_size, unit)}`;
    case "percentage":
      return [
        `${units(model.rate_percent)} % of each record's quantity`,
        model.fixed_amount && `${money(model.fixed_amount)} a record`,
        model.free_records && `the first ${units(model.free_records)} records free`,
        model.free_amount && `a quantity of ${units(model.free_amount)} free`,
        model.record_minimum && `at least ${money(model.record_minimum)} a record`,
        model.record_maximum && `at most ${money(model.record_maximum)} a record`,
      ].filter(Boolean).join(", ");
    case "graduated":
      return `each ${unit ?? "unit"} by the tier it falls in: ${tiers((tier) => `${money(tier.unit_amount)} each`)}`;
    case "volume":
      return `all ${noun(unit ?? "unit")} by the tier that their total falls in: ${tiers((tier) => `${money(tier.unit_amount)} each`)}`;
    case "graduated_percentage":
      return `a percentage by tier: ${tiers((tier) => `${units(tier.rate_percent)} %`)}`;
    default:
      return model.type;
  }
}

/** Return the price of a charge's version in sentences. @param {string} [unit] @returns {string} */
export function priceInWords(version, unit) {
  const { currency, unit_conversion: conversion } = version;
  const [filters, groups] = [version.filters ?? [], version.group_by ?? []];
  const priced = (part) => [part.model && modelInWords(part.model, currency, unit), Number(part.included_units) && `with ${quantity(part.included_units, unit)} included`].filter(Boolean).join(", ");
  const chosen = (filter) => Object.entries(filter.properties).map(([name, values]) => `${name} ${values.join(" or ")}`).join(", ");
  return [
    ...filters.map((filter) => `for ${chosen(filter)}: ${priced(filter)}`),
    `${filters.length ? "for all else: " : ""}${priced(version)}`,
    groups.length && `each ${groups.join(" and ")} is priced by itself`,
    conversion && `before that, quantities are ${conversion.operation === "divide" ? "divided" : "multiplied"} by ${units(conversion.factor)}`,
    version.minimum_amount && `at least ${amount(version.minimum_amount, currency)} a period`,
    version.maximum_amount && `at most ${amount(version.maximum_amount, currency)} a period`,
    version.prorate && "what is due for a period is due by its share if the period is cut short",
    version.tax_behavior === "inclusive" && "taxes are included",
  ].filter(Boolean).join("; ");
}

/** Whom a charge is for. */
export function appliesTo(charge) {
  const { all, plans, subscriptions } = charge.applies_to;
  return all ? "everyone" : plans ? `plans ${plans.join(", ")}` : `subscriptions ${subscriptions.join(", ")}`;
}

/** Return a charge's name, with its code where others of `rows` have that name too. @returns {string} */
export function chargeName(row, rows) {
  const name = row.charge_name ?? row.name;
  return rows.some((other) => (other.charge_name ?? other.name) === name && other.charge !== row.charge) ? `${name} (${row.charge})` : name;
}

/** Return a charge's name with its code, to sort, filter and export by. */
export function named(row) {
  return `${row.charge_name} (${row.charge})`;
}
