/** Metrics and charges. */

import { getAll } from "../lib/api.js";
import { units } from "../lib/format.js";
import { html } from "../lib/html.js";
import { link } from "../lib/router.js";
import { allows } from "../lib/session.js";
import { Loaded, useData } from "../lib/states.js";
import { Table } from "../lib/table.js";
import { AGGREGATIONS, appliesTo, priceInWords } from "../lib/words.js";
import { ChargeEditor } from "./charge_editor.js";
import { MetricEditor } from "./metric_editor.js";

export function Screen({ params, session }) {
  const [kind, code] = params;
  const mayChange = allows(session, "catalog:write");
  if (kind === "charges") return html`<${ChargeEditor} key=${code} code=${code} mayChange=${mayChange} />`;
  if (kind === "metrics") return html`<${MetricEditor} key=${code} code=${code} mayChange=${mayChange} />`;
  return html`<${Definitions} mayChange=${mayChange} />`;
}

function Definitions({ mayChange }) {
  const loading = useData(async () => {
    const [metrics, charges] = await Promise.all([getAll("metrics"), getAll("charges")]);
    return { metrics, charges };
  }, []);
  return html`<h1>Catalog</h1>
    <${Loaded} from=${loading} what="the catalog">${({ metrics, charges }) => html`
      <${Table} caption="Charges" rows=${charges} sort=${0} columns=${CHARGES} empty="No charge is defined."
        actions=${mayChange ? html`<a class="button" href=${link(["catalog", "charges"])}>New charge</a>` : null} />
      <${Table} caption="Metrics" rows=${metrics} sort=${0} columns=${METRICS} empty="No metric is defined."
        actions=${mayChange ? html`<a class="button" href=${link(["catalog", "metrics"])}>New metric</a>` : null} />`}</${Loaded}>`;
}

/** @type {import("../lib/table.js").Column[]} */
const CHARGES = [
  { label: "Code", value: (row) => row.code, show: (row) => html`<a href=${link(["catalog", "charges", row.code])}>${row.code}</a>` },
  { label: "Name", value: (row) => row.name },
  { label: "Metric", value: (row) => row.metric },
  { label: "For", value: appliesTo },
  { label: "Included", value: (row) => row.included_units ?? "0", show: (row) => units(row.included_units ?? "0"), isNumber: true },
  { label: "Price", value: priceInWords },
  { label: "Currency", value: (row) => row.currency },
  { label: "Active", value: (row) => (row.active ? "yes" : "no") },
];

/** @type {import("../lib/table.js").Column[]} */
const METRICS = [
  { label: "Code", value: (row) => row.code, show: (row) => html`<a href=${link(["catalog", "metrics", row.code])}>${row.code}</a>` },
  { label: "Name", value: (row) => row.name },
  { label: "Unit", value: (row) => row.unit },
  { label: "What counts", value: (row) => AGGREGATIONS[row.aggregation] ?? row.aggregation },
];
