/** Definitions in plain words. */

import { amount, units } from "./format.js";

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

/** Return a charge model as a phrase. @param {any} model @param {string} currency @returns {string} */
export function modelInWords(model, currency) {
  const money = (/** @type {string} */ value) => amount(value, currency);
  switch (model.type) {
    case "per_unit":
      return `${money(model.unit_amount)} for each unit`;
    case "flat":
      return `${money(model.amount)} a period, whatever is used`;
    case "package":
      return `${money(model.package_amount)} for each ${model.rounding === "down" ? "full" : "started"} package of ${units(model.package_size)} units`;
    case "percentage":
      return `${model.rate_percent} % of each record's quantity${model.fixed_amount ? ` and ${money(model.fixed_amount)} a record` : ""}`;
    case "graduated":
      return `each unit by the tier it falls in: ${tiers(model.tiers, (tier) => money(tier.unit_amount))}`;
    case "volume":
      return `all units by the tier that their total falls in: ${tiers(model.tiers, (tier) => money(tier.unit_amount))}`;
    case "graduated_percentage":
      return `a percentage by tier: ${tiers(model.tiers, (tier) => `${tier.rate_percent} %`)}`;
    default:
      return model.type;
  }
}

/** @param {any[]} all @param {(tier: any) => string} price */
function tiers(all, price) {
  return all.map((tier) => `${tier.up_to === null ? "then" : `up to ${units(tier.up_to)}`} ${price(tier)}`).join(", ");
}
