/** Webhook endpoints. */

import { getAll, send } from "../lib/api.js";
import { Secret } from "../lib/confirm.js";
import { Field, Form } from "../lib/form.js";
import { dateTime, stateName } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { link } from "../lib/router.js";
import { Loaded, useData } from "../lib/states.js";
import { Table } from "../lib/table.js";
import { Endpoint } from "./endpoint.js";
import { listed } from "./sources.js";

export function Screen({ params, query }) {
  return params[0] ? html`<${Endpoint} key=${params[0]} id=${params[0]} query=${query} />` : html`<${Endpoints} />`;
}

function Endpoints() {
  const loading = useData(() => getAll("endpoints"), []);
  return html`<h1>Webhooks</h1>
    <${Loaded} from=${loading} what="endpoints">${(rows) => html`<${Table} caption="Endpoints" rows=${rows} empty="No endpoint is registered." columns=${[
      { label: "URL", value: (row) => row.url, show: (row) => html`<a href=${link(["webhooks", row.id])}>${row.url}</a>` },
      { label: "Description", value: (row) => row.description },
      { label: "Events", value: (row) => row.events.join(", ") },
      { label: "State", value: (row) => stateName(row.state), show: (row) => html`<span class=${`tag ${row.state === "enabled" && !row.failing_since ? "good" : "bad"}`}>${row.failing_since ? "failing" : row.state}</span>` },
      { label: "Created", value: (row) => row.created_at, show: (row) => dateTime(row.created_at) },
    ]} />`}</${Loaded}>
    <${NewEndpoint} reload=${loading.reload} />`;
}

function NewEndpoint({ reload }) {
  const [asked, setAsked] = useState({ url: "", events: "*", description: "" });
  const [made, setMade] = useState(null);
  const [error, setError] = useState(null);
  const set = (name) => (value) => setAsked({ ...asked, [name]: value });
  const create = async () => {
    const body = { url: asked.url.trim(), events: listed(asked.events) ?? [], description: asked.description };
    setMade(await send("POST", "endpoints", { body }));
    reload();
  };
  if (made) return html`<${Secret} label="The signing secret" secret=${made.secret}><p>Endpoint: <a href=${link(["webhooks", made.id])}>${made.url}</a></p></${Secret}>`;
  return html`<h2>New endpoint</h2>
    <${Form} submit="Register the endpoint" fields=${["url", "events", "description"]} onSubmit=${create} onError=${setError}>
      <${Field} label="URL" field="url" value=${asked.url} onChange=${set("url")} error=${error} hint="HTTPS, reachable from the internet" inputmode="url" />
      <${Field} label="Events" field="events" value=${asked.events} onChange=${set("events")} error=${error} hint="Separated by commas: *, rating.*, line.failed" />
      <${Field} label="Description" field="description" value=${asked.description} onChange=${set("description")} error=${error} />
    </${Form}>`;
}
