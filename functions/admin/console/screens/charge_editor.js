/** A charge: shown, and changed, with an estimate of what it comes to. */

import { get, getAll, path } from "../lib/api.js";
import { Field } from "../lib/form.js";
import { html, useState } from "../lib/html.js";
import { Loaded, useData } from "../lib/states.js";
import { appliesTo, priceInWords } from "../lib/words.js";
import { Changes, DefinitionForm, editable } from "./definition.js";
import { Estimate } from "./estimate.js";
import { ModelFields } from "./model_fields.js";
import { listed } from "./sources.js";

const NEW = { name: "", metric: "", applies_to: { all: true }, currency: "EUR", odoo_product_id: "", included_units: "0", model: { type: "per_unit", unit_amount: "0" }, active: true };
const SHOWN = ["name", "metric", "applies_to", "currency", "odoo_product_id", "included_units", "minimum_amount", "maximum_amount", "model", "active", "valid_from"];

export function ChargeEditor({ code, mayChange }) {
  const loading = useData(async () => {
    const [charge, metrics] = await Promise.all([code ? get(path`charges/${code}`) : NEW, getAll("metrics")]);
    return { charge, metrics };
  }, [code]);
  return html`<${Loaded} from=${loading} what="the charge">${({ charge, metrics }) => html`
    <h1>${code ? `Charge ${charge.name}` : "New charge"}</h1>
    ${code ? html`<p>For ${appliesTo(charge)}.</p>` : null}
    ${mayChange ? html`<${Editor} code=${code} charge=${charge} metrics=${metrics} />` : html`<p>Metric ${charge.metric}. Price: ${priceInWords(charge)}.</p>`}
    ${code ? html`<${Changes} history=${charge.history} name=${code} />` : null}`}</${Loaded}>`;
}

/** Return the texts of a form for a charge. @param {string | undefined} code */
function drafted(charge, code) {
  const { all, plans, subscriptions } = charge.applies_to;
  const others = Object.fromEntries(Object.entries(editable(charge)).filter(([name]) => !SHOWN.includes(name)));
  return {
    ...Object.fromEntries(SHOWN.map((name) => [name, charge[name] ?? ""])),
    code: code ?? "",
    scope: all ? "all" : plans ? "plans" : "subscriptions",
    names: (plans ?? subscriptions ?? []).join(", "),
    active: charge.active ? "yes" : "no",
    valid_from: "",
    others: JSON.stringify(others, null, 2),
  };
}

/** Return the body of a PUT. */
function bodyOf(draft) {
  const optional = Object.fromEntries(["minimum_amount", "maximum_amount", "valid_from"].filter((name) => draft[name] !== "").map((name) => [name, draft[name]]));
  return {
    ...othersOf(draft.others),
    ...optional,
    name: draft.name,
    metric: draft.metric,
    currency: draft.currency,
    included_units: draft.included_units || "0",
    odoo_product_id: /^\d+$/.test(String(draft.odoo_product_id)) ? Number(draft.odoo_product_id) : draft.odoo_product_id,
    applies_to: draft.scope === "all" ? { all: true } : { [draft.scope]: listed(draft.names) ?? [] },
    model: draft.model,
    active: draft.active === "yes",
  };
}

function othersOf(text) {
  try {
    return JSON.parse(text || "{}");
  } catch {
    throw new Error("“Further fields” is not valid JSON.");
  }
}

function Editor({ code, charge, metrics }) {
  const [draft, setDraft] = useState((drafted(charge, code)));
  const [error, setError] = useState(null);
  const set = (name) => (value) => setDraft((before) => ({ ...before, [name]: value }));
  const field = (name) => ({ value: String(draft[name]), error, field: name, onChange: set(name) });
  const metricOptions = [["", "Choose one"], ...metrics.map((metric) => [metric.code, `${metric.name} (${metric.code})`])];
  return html`<${DefinitionForm} kind="charges" code=${draft.code} version=${charge.version} body=${() => bodyOf(draft)} changed=${draft} onError=${setError} fields=${SHOWN}>
      ${code ? null : html`<${Field} label="Code" ...${field("code")} />`}
      <div class="fields">
        <${Field} label="Name" ...${field("name")} hint="As on the invoice" />
        <${Field} label="Metric" ...${field("metric")} options=${metricOptions} />
        <${Field} label="Currency" ...${field("currency")} />
        <${Field} label="Product in Odoo" ...${field("odoo_product_id")} hint="Its ID" inputmode="numeric" />
        <${Field} label="For" ...${field("scope")} field="applies_to" options=${[["all", "everyone"], ["plans", "plans"], ["subscriptions", "subscriptions"]]} />
        ${draft.scope === "all" ? null : html`<${Field} label=${draft.scope === "plans" ? "Plans" : "Subscriptions"} ...${field("names")} field="applies_to" hint="Separated by commas" />`}
        <${Field} label="Included units" ...${field("included_units")} inputmode="decimal" />
        <${Field} label="Minimum amount" ...${field("minimum_amount")} inputmode="decimal" />
        <${Field} label="Maximum amount" ...${field("maximum_amount")} inputmode="decimal" />
        <${Field} label="Valid from" ...${field("valid_from")} type="date" hint="Of this change; from the start if empty" />
        <${Field} label="Active" ...${field("active")} options=${[["yes", "yes"], ["no", "no"]]} />
      </div>
      <${ModelFields} model=${draft.model} onChange=${set("model")} error=${error} />
      <details><summary>Further fields</summary>
        <${Field} label="Further fields, as JSON" ...${field("others")} rows=${8} hint="filters, group_by, unit_conversion, prorate, tax_behavior, …" />
      </details>
    </${DefinitionForm}>
    <${Estimate} draft=${draft} body=${() => bodyOf(draft)} />`;
}
