/** Find a usage record, and correct or void it. What that changes is shown before it is confirmed. */

import { get, getAll, path } from "../lib/api.js";
import { dateTime, units } from "../lib/format.js";
import { Field } from "../lib/form.js";
import { html, useState } from "../lib/html.js";
import { List } from "../lib/list.js";
import { go, link } from "../lib/router.js";
import { allows } from "../lib/session.js";
import { Loaded, useData } from "../lib/states.js";
import { Correction } from "./correction.js";
import { described } from "./subscription.js";
import { Revisions, useSources } from "./why_records.js";

export function Screen({ query, session }) {
  const sources = useSources(session);
  return html`<h1>Correct a usage record</h1>
    ${query.key
      ? html`<${Record} key=${query.key} id=${query.key} source=${query.source} sources=${sources} session=${session} />`
      : html`<${Search} query=${query} session=${session} sources=${sources} />`}`;
}

function Search({ query, session, sources }) {
  const [asked, setAsked] = useState({ subscription: query.subscription ?? "", metric: query.metric ?? "", from: query.from ?? "", to: query.to ?? "" });
  const metrics = useData(async () => (allows(session, "catalog:read") ? (await getAll("metrics")).map((metric) => metric.code) : []), []);
  const set = (name) => (value) => setAsked({ ...asked, [name]: value });
  const search = (event) => {
    event.preventDefault();
    go(link(["correct"], asked));
  };
  return html`<p>Look a record up by its subscription and metric, or by its idempotency key.</p>
    <form onSubmit=${search}>
      <div class="fields">
        <${Field} label="Subscription" value=${asked.subscription} onChange=${set("subscription")} hint="Its ID or an alias" required=${true} />
        <${Field} label="Metric" value=${asked.metric} onChange=${set("metric")} list=${metrics.data ?? []} required=${true} />
        <${Field} label="From" type="date" value=${asked.from} onChange=${set("from")} />
        <${Field} label="Before" type="date" value=${asked.to} onChange=${set("to")} />
      </div>
      <p><button type="submit" class="primary">Find records</button></p>
    </form>
    <${ByKey} />
    ${query.subscription && query.metric ? html`<${Found} key=${JSON.stringify(query)} query=${query} sources=${sources} session=${session} />` : null}`;
}

function ByKey() {
  const [key, setKey] = useState("");
  const [source, setSource] = useState("");
  const open = (event) => {
    event.preventDefault();
    go(link(["correct"], { key, source }));
  };
  return html`<details><summary>By idempotency key</summary><form onSubmit=${open}>
    <${Field} label="Idempotency key" value=${key} onChange=${setKey} required=${true} />
    <${Field} label="Source" value=${source} onChange=${setSource} hint="Its ID; yours if empty. Only the scope admin sees records of others." />
    <p><button type="submit">Open</button></p></form></details>`;
}

function Found({ query, sources, session }) {
  const zone = useData(() => described(query.subscription, session), []).data?.timezone;
  const midnight = (day) => (day ? `${day}T00:00:00Z` : undefined);
  const given = { subscription: query.subscription, metric: query.metric, from: midnight(query.from), to: midnight(query.to) };
  return html`<${List} caption="Records" name="records" columns=${columns(sources, zone)} load=${(page) => get("usage", { ...given, ...page })} limit=${500}
    empty="No record of this subscription and metric in this time." />`;
}

function columns(sources, zone) {
  return [
    { label: "From", value: (row) => row.period_start, show: (row) => dateTime(row.period_start, zone) },
    { label: "Until", value: (row) => row.period_end, show: (row) => dateTime(row.period_end, zone) },
    { label: "Quantity", value: (row) => row.quantity, show: (row) => units(row.quantity), isNumber: true },
    { label: "Source", value: (row) => sources[row.source] ?? row.source },
    { label: "Key", value: (row) => row.idempotency_key, show: (row) => html`<a href=${link(["correct"], { key: row.idempotency_key, source: row.source })}><code>${row.idempotency_key}</code></a>` },
    { label: "Revision", value: (row) => row.revision, isNumber: true },
  ];
}

function Record({ id, source, sources, session }) {
  const loading = useData(async () => {
    const record = await get(path`usage/${id}`, { source });
    const usage = allows(session, "ratings:read") ? await get(path`subscriptions/${record.subscription}/usage`, { at: record.period_start }).catch(() => null) : null;
    const subscription = allows(session, "catalog:read") ? await get(path`subscriptions/${record.subscription}`).catch(() => null) : null;
    return { record, usage, zone: subscription?.timezone };
  }, [id, source]);
  return html`<${Loaded} from=${loading} what="the record">${({ record, usage, zone }) => html`
    <dl>
      <dt>Key</dt><dd><code>${record.idempotency_key}</code></dd>
      <dt>Source</dt><dd>${sources[record.source] ?? record.source}</dd>
      <dt>Subscription</dt><dd><a href=${link(["subscription", record.subscription])}>${record.subscription}</a></dd>
      <dt>Metric</dt><dd>${record.metric}</dd>
      <dt>Time</dt><dd>${dateTime(record.period_start, zone)} until ${dateTime(record.period_end, zone)}</dd>
      <dt>Quantity</dt><dd>${record.voided ? "voided" : units(record.quantity)}</dd>
      <dt>Revisions</dt><dd><${Revisions} record=${record} zone=${zone} /></dd>
    </dl>
    <${Correction} record=${record} usage=${usage} zone=${zone} reload=${loading.reload} />`}</${Loaded}>`;
}
