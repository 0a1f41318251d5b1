/** Sources (apps that push usage, people who read) and their API keys. */

import { get, getAll, path, send } from "../lib/api.js";
import { Confirmed, Secret } from "../lib/confirm.js";
import { Field, Form } from "../lib/form.js";
import { dateTime } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { go, link } from "../lib/router.js";
import { Loaded, useData } from "../lib/states.js";
import { Table } from "../lib/table.js";

/** @type {[string, string][]} scope, what it allows */
const SCOPES = [
  ["usage:write", "push, correct and void usage"],
  ["usage:read", "read its own usage records"],
  ["catalog:read", "read metrics, charges and subscriptions"],
  ["catalog:write", "change metrics, charges and subscriptions"],
  ["ratings:read", "read amounts and their explanation"],
  ["webhooks:write", "manage its webhook endpoints"],
  ["admin", "everything, for every source"],
];

export function Screen({ params, session }) {
  return params[0] ? html`<${Source} key=${params[0]} id=${params[0]} session=${session} />` : html`<${Sources} />`;
}

function Sources() {
  const loading = useData(() => getAll("sources"), []);
  return html`<h1>Sources and keys</h1>
    <p>A source is an app that pushes usage, or an operator. It has at most two live keys, so that a new one can take over from the old.</p>
    <${Loaded} from=${loading} what="sources">${(rows) => html`<${Table} caption="Sources" rows=${rows} sort=${0} columns=${[
      { label: "Name", value: (row) => row.name, show: (row) => html`<a href=${link(["sources", row.id])}>${row.name}</a>` },
      { label: "Metrics", value: (row) => limits(row.metrics) },
      { label: "Plans", value: (row) => limits(row.plans) },
      { label: "Subscriptions", value: (row) => limits(row.subscriptions) },
      { label: "Created", value: (row) => row.created_at, show: (row) => dateTime(row.created_at) },
      { label: "ID", value: (row) => row.id },
    ]} />`}</${Loaded}>
    <${NewSource} />`;
}

function limits(values) {
  return values ? values.join(", ") : "all";
}

function NewSource() {
  const [asked, setAsked] = useState({ name: "", metrics: "", plans: "", subscriptions: "" });
  const [error, setError] = useState(null);
  const set = (name) => (value) => setAsked({ ...asked, [name]: value });
  const create = async () => {
    const body = { name: asked.name.trim(), metrics: listed(asked.metrics), plans: listed(asked.plans), subscriptions: listed(asked.subscriptions) };
    const source = await send("POST", "sources", { body });
    go(link(["sources", source.id]));
  };
  return html`<h2>New source</h2>
    <${Form} submit="Create the source" fields=${["name", "metrics", "plans", "subscriptions"]} onSubmit=${create} onError=${setError}>
      <${Field} label="Name" field="name" value=${asked.name} onChange=${set("name")} error=${error} />
      <${Field} label="Metrics it may use" field="metrics" value=${asked.metrics} onChange=${set("metrics")} error=${error} hint="Codes, separated by commas; all if empty" />
      <${Field} label="Plans it may use" field="plans" value=${asked.plans} onChange=${set("plans")} error=${error} hint="Names, separated by commas; all if empty" />
      <${Field} label="Subscriptions it may use" field="subscriptions" value=${asked.subscriptions} onChange=${set("subscriptions")} error=${error} hint="IDs or aliases, separated by commas; all if empty" />
    </${Form}>`;
}

/** Return the words of a list, undefined for none. @param {string} text */
export function listed(text) {
  const words = text.split(",").map((word) => word.trim()).filter(Boolean);
  return words.length ? words : undefined;
}

function Source({ id, session }) {
  const loading = useData(() => get(path`sources/${id}`), [id]);
  return html`<${Loaded} from=${loading} what="the source">${(source) => html`
    <h1>${source.name}</h1>
    <dl><dt>ID</dt><dd>${source.id}</dd><dt>Metrics</dt><dd>${limits(source.metrics)}</dd><dt>Plans</dt><dd>${limits(source.plans)}</dd><dt>Subscriptions</dt><dd>${limits(source.subscriptions)}</dd></dl>
    <${Keys} source=${source} session=${session} reload=${loading.reload} />
    <p><a href=${link(["sources"])}>All sources</a></p>`}</${Loaded}>`;
}

function Keys({ source, session, reload }) {
  const revoke = async (id) => {
    await send("DELETE", path`keys/${id}`);
    reload();
  };
  return html`<${Table} caption="Live keys" name=${`keys-${source.id}`} rows=${source.keys} empty="This source has no live key." columns=${[
      { label: "ID", value: (key) => key.id, show: (key) => html`<code>${key.id}</code>${key.id === session.key_id ? html` <span class="tag">you are signed in with it</span>` : null}` },
      { label: "Scopes", value: (key) => key.scopes.join(", ") },
      { label: "Created", value: (key) => key.created_at, show: (key) => dateTime(key.created_at) },
      { label: "Expires", value: (key) => key.expires_at ?? "", show: (key) => (key.expires_at ? dateTime(key.expires_at) : "never") },
      { label: "Last used", value: (key) => key.last_used_on ?? "never" },
      { label: "Revoke", value: () => "", isAction: true, show: (key) => html`<${Confirmed} label="Revoke" question=${`Revoke the key ${key.id}?`} confirm="Revoke the key" act=${() => revoke(key.id)}>
        <p>Whoever uses it is refused from now on, and its sessions end. It can't be undone.</p></${Confirmed}>` },
    ]} />
    <${NewKey} source=${source} />`;
}

function NewKey({ source }) {
  const [scopes, setScopes] = useState([]);
  const [expires, setExpires] = useState("");
  const [made, setMade] = useState(null);
  const [error, setError] = useState(null);
  const toggle = (scope) => setScopes(scopes.includes(scope) ? scopes.filter((each) => each !== scope) : [...scopes, scope]);
  const create = async () => {
    const body = { scopes, ...(expires ? { expires_at: new Date(expires).toISOString() } : {}) };
    setMade(await send("POST", path`sources/${source.id}/keys`, { body }));
  };
  if (made) return html`<${Secret} label="The key" secret=${made.key}><p>Scopes: ${made.scopes.join(", ")}</p></${Secret}>`;
  return html`<h2>New key</h2>
    <${Form} submit="Create the key" fields=${["expires_at"]} onSubmit=${create} onError=${setError}>
      <fieldset><legend>Scopes</legend>${SCOPES.map(([scope, meaning]) => html`<p><label class="inline"><input type="checkbox" checked=${scopes.includes(scope)} onChange=${() => toggle(scope)} /> <code>${scope}</code></label> <span class="muted">${meaning}</span></p>`)}</fieldset>
      <${Field} label="Expires" type="datetime-local" field="expires_at" value=${expires} onChange=${setExpires} error=${error} hint="Never if empty" />
    </${Form}>`;
}
