/** The fields of a charge model. */

import { Field } from "../lib/form.js";
import { html } from "../lib/html.js";
import { MODELS } from "../lib/words.js";

/** Model -> its fields: name, label. @type {Record<string, [string, string][]>} */
const FIELDS = {
  per_unit: [["unit_amount", "Price of a unit"]],
  flat: [["amount", "Amount of a period"]],
  package: [["package_size", "Units of a package"], ["package_amount", "Price of a package"]],
  percentage: [["rate_percent", "Percent"], ["fixed_amount", "Fixed amount a record"], ["free_records", "Free records"], ["free_amount", "Free quantity"], ["record_minimum", "Minimum a record"], ["record_maximum", "Maximum a record"]],
};
/** Model with tiers -> the fields of a tier. @type {Record<string, [string, string][]>} */
const TIERS = {
  graduated: [["unit_amount", "Price of a unit"], ["flat_amount", "Flat amount"]],
  volume: [["unit_amount", "Price of a unit"], ["flat_amount", "Flat amount"]],
  graduated_percentage: [["rate_percent", "Percent"], ["flat_amount", "Flat amount"]],
};

export function ModelFields({ model, onChange, error }) {
  const choose = (type) => onChange(TIERS[type] ? { type, tiers: [{ up_to: null }] } : { type });
  const set = (name) => (value) => {
    const { [name]: _, ...others } = model;
    onChange(value === "" ? others : { ...others, [name]: value });
  };
  return html`<fieldset><legend>Price</legend>
    <${Field} label="Charge model" field="model.type" value=${model.type} onChange=${choose} error=${error} options=${MODELS} />
    <div class="fields">
      ${(FIELDS[model.type] ?? []).map(([name, label]) => html`<${Field} key=${name} label=${label} field=${`model.${name}`} value=${String(model[name] ?? "")} onChange=${set(name)} error=${error} inputmode="decimal" />`)}
      ${model.type === "package" ? html`<${Field} label="A started package" field="model.rounding" value=${model.rounding ?? "up"} onChange=${set("rounding")} error=${error} options=${[["up", "is charged"], ["down", "is free"]]} />` : null}
    </div>
    ${TIERS[model.type] ? html`<${Tiers} model=${model} onChange=${onChange} error=${error} />` : null}
  </fieldset>`;
}

function Tiers({ model, onChange, error }) {
  const { tiers, type } = model;
  const put = (changed) => onChange({ ...model, tiers: changed });
  const set = (index, name) => (value) => put(tiers.map((tier, at) => (at === index ? { ...tier, [name]: value } : tier)));
  const add = () => put([...tiers.slice(0, -1), { up_to: "" }, tiers[tiers.length - 1]]);
  const remove = (index) => put(tiers.filter((_, at) => at !== index));
  return html`${tiers.map((tier, index) => html`<fieldset><legend>Tier ${index + 1}</legend><div class="fields">
      ${index === tiers.length - 1
        ? html`<p>All further units</p>`
        : html`<${Field} label="Up to units" field=${`model.tiers.${index}.up_to`} value=${String(tier.up_to ?? "")} onChange=${set(index, "up_to")} error=${error} inputmode="decimal" />`}
      ${TIERS[type].map(([name, label]) => html`<${Field} key=${name} label=${label} field=${`model.tiers.${index}.${name}`} value=${String(tier[name] ?? "0")} onChange=${set(index, name)} error=${error} inputmode="decimal" />`)}
      ${tiers.length > 1 && index < tiers.length - 1 ? html`<p><button type="button" onClick=${() => remove(index)} aria-label=${`Remove tier ${index + 1}`}>Remove</button></p>` : null}
    </div></fieldset>`)}
    <p><button type="button" onClick=${add}>Add a tier</button></p>`;
}
