/** A metric: shown, and changed. */

import { get, path } from "../lib/api.js";
import { Field } from "../lib/form.js";
import { html, useState } from "../lib/html.js";
import { Loaded, useData } from "../lib/states.js";
import { AGGREGATIONS } from "../lib/words.js";
import { Changes, DefinitionForm, editable } from "./definition.js";

export function MetricEditor({ code, mayChange }) {
  const loading = useData(async () => (code ? get(path`metrics/${code}`) : { name: "", aggregation: "sum" }), [code]);
  return html`<${Loaded} from=${loading} what="the metric">${(metric) => html`
    <h1>${code ? `Metric ${metric.name}` : "New metric"}</h1>
    ${mayChange ? html`<${Editor} code=${code} metric=${metric} />` : html`<pre tabindex="0">${JSON.stringify(editable(metric), null, 2)}</pre>`}
    ${code ? html`<${Changes} history=${metric.history} name=${code} />` : null}`}</${Loaded}>`;
}

function Editor({ code, metric }) {
  const { mode = "", digits = 0 } = metric.rounding ?? {};
  const [draft, setDraft] = useState({ code: code ?? "", name: metric.name, unit: metric.unit ?? "", aggregation: metric.aggregation, mode, digits: String(digits) });
  const [error, setError] = useState(null);
  const field = (name) => ({ value: (draft)[name], error, field: name, onChange: (value) => setDraft({ ...draft, [name]: value }) });
  const body = () => ({
    ...editable(metric),
    name: draft.name,
    unit: draft.unit || null,
    aggregation: draft.aggregation,
    rounding: draft.mode ? { mode: draft.mode, digits: Number(draft.digits) } : null,
  });
  return html`<${DefinitionForm} kind="metrics" code=${draft.code} version=${metric.version} body=${body} changed=${draft} onError=${setError}
    fields=${["name", "unit", "aggregation", "rounding"]}>
    ${code ? null : html`<${Field} label="Code" ...${field("code")} hint="Apps push under it, such as api_calls" />`}
    <${Field} label="Name" ...${field("name")} />
    <${Field} label="Unit" ...${field("unit")} hint="As on an invoice: call, GB" />
    <${Field} label="What counts" ...${field("aggregation")} options=${Object.entries(AGGREGATIONS).map(([name, words]) => [name, `${name}: ${words}`])} />
    <${Field} label="Rounding" ...${field("mode")} field="rounding" options=${[["", "none"], ["up", "up"], ["down", "down"], ["half_up", "half up"]]} />
    ${draft.mode ? html`<${Field} label="Digits after the point" ...${field("digits")} type="number" />` : null}
  </${DefinitionForm}>`;
}
