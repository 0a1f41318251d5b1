/** One webhook endpoint: its settings, its deliveries, and what can be sent to it. */

import { get, path, send } from "../lib/api.js";
import { Confirmed, Secret } from "../lib/confirm.js";
import { Field, Form } from "../lib/form.js";
import { dateTime } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { go, link } from "../lib/router.js";
import { Failure, Loaded, useData } from "../lib/states.js";
import { Deliveries } from "./deliveries.js";
import { listed } from "./sources.js";

/** The types of events; a test compares them with the service's. */
export const EVENT_TYPES = [
  "usage.threshold_reached",
  "usage.late",
  "rating.updated",
  "period.invoiced",
  "line.upserted",
  "line.failed",
  "line.changed",
  "subscription.updated",
  "subscription.renewed",
  "subscription.ended",
  "statement.closed",
  "endpoint.disabled",
  "endpoint.test",
];

export function Endpoint({ id, query }) {
  const loading = useData(() => get(path`endpoints/${id}`), [id]);
  const [secret, setSecret] = useState("");
  const rotate = async () => setSecret((await send("POST", path`endpoints/${id}/secret/rotate`)).secret);
  const remove = async () => {
    await send("DELETE", path`endpoints/${id}`);
    go(link(["webhooks"]));
  };
  return html`<${Loaded} from=${loading} what="the endpoint">${(endpoint) => html`
    <h1>${endpoint.url}</h1>
    <dl>
      <dt>ID</dt><dd>${endpoint.id}</dd>
      <dt>State</dt><dd>${endpoint.state}${endpoint.failing_since ? `, failing since ${dateTime(endpoint.failing_since)}` : ""}${endpoint.disabled_reason ? `: ${endpoint.disabled_reason}` : ""}</dd>
      <dt>Events</dt><dd>${endpoint.events.join(", ")}</dd>
    </dl>
    ${secret ? html`<${Secret} label="The new signing secret" secret=${secret}><p>The old one signs as well for 24 hours.</p></${Secret}>` : null}
    <div class="actions">
      <${Toggle} endpoint=${endpoint} reload=${loading.reload} />
      <${Confirmed} label="Rotate the secret" question="Give this endpoint a new secret?" confirm="Rotate the secret" act=${rotate}><p>Messages are signed with both for 24 hours.</p></${Confirmed}>
      <${Confirmed} label="Delete" question="Delete this endpoint?" confirm="Delete the endpoint" act=${remove}><p>Nothing more is sent to it.</p></${Confirmed}>
    </div>
    <${Deliveries} endpoint=${endpoint} query=${query} />
    <${Example} id=${id} />
    <${Replay} id=${id} />
    <${Settings} endpoint=${endpoint} reload=${loading.reload} />`}</${Loaded}>`;
}

function Toggle({ endpoint, reload }) {
  const [error, setError] = useState(null);
  const state = endpoint.state === "enabled" ? "disabled" : "enabled";
  const change = () => send("PATCH", path`endpoints/${endpoint.id}`, { body: { state } }).then(reload, setError);
  return html`<button type="button" onClick=${change}>${state === "enabled" ? "Enable" : "Disable"}</button>${error ? html`<${Failure} error=${error} />` : null}`;
}

function Example({ id }) {
  const [type, setType] = useState("endpoint.test");
  const [sent, setSent] = useState("");
  const [error, setError] = useState(null);
  return html`<h2>Send an example</h2>
    <${Form} submit="Send the example" fields=${["type"]} onError=${setError} onSubmit=${async () => setSent((await send("POST", path`endpoints/${id}/test`, { body: { type } })).event)}>
      <${Field} label="Event type" field="type" value=${type} onChange=${setType} error=${error} options=${EVENT_TYPES.map((each) => [each, each])} />
    </${Form}>
    ${sent ? html`<div class="notice" role="status"><p>The example is on its way as <code>${sent}</code>.</p></div>` : null}`;
}

function Replay({ id }) {
  const [since, setSince] = useState("");
  const [done, setDone] = useState("");
  const [error, setError] = useState(null);
  const replay = async () => {
    const answer = await send("POST", path`endpoints/${id}/replay`, { body: since ? { since: new Date(since).toISOString() } : {} });
    setDone(answer.replayed === undefined ? "The events are sent again." : `${answer.replayed} events are sent again.`);
  };
  return html`<h2>Send events again</h2>
    <${Form} submit="Send again" fields=${["since"]} onError=${setError} onSubmit=${replay}>
      <${Field} label="Events since" type="datetime-local" field="since" value=${since} onChange=${setSince} error=${error} />
    </${Form}>
    ${done ? html`<div class="notice" role="status"><p>${done}</p></div>` : null}`;
}

function Settings({ endpoint, reload }) {
  const [asked, setAsked] = useState({ url: endpoint.url, events: endpoint.events.join(", "), description: endpoint.description });
  const [error, setError] = useState(null);
  const set = (name) => (value) => setAsked({ ...asked, [name]: value });
  const save = async () => {
    await send("PATCH", path`endpoints/${endpoint.id}`, { body: { url: asked.url.trim(), events: listed(asked.events) ?? [], description: asked.description } });
    reload();
  };
  return html`<details><summary>Settings</summary>
    <${Form} submit="Save" fields=${["url", "events", "description"]} onSubmit=${save} onError=${setError}>
      <${Field} label="URL" field="url" value=${asked.url} onChange=${set("url")} error=${error} />
      <${Field} label="Events" field="events" value=${asked.events} onChange=${set("events")} error=${error} />
      <${Field} label="Description" field="description" value=${asked.description} onChange=${set("description")} error=${error} />
    </${Form}></details>`;
}
