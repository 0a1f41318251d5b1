/** Who changed what through the API, from what, to what. */

import { getAll, getIfAny } from "../lib/api.js";
import { Field } from "../lib/form.js";
import { dateTime } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { List } from "../lib/list.js";
import { go, link } from "../lib/router.js";
import { useData } from "../lib/states.js";

export function Screen({ query }) {
  const [asked, setAsked] = useState({ object: query.object ?? "", actor: query.actor ?? "", from: query.from ?? "", to: query.to ?? "" });
  const set = (name) => (value) => setAsked({ ...asked, [name]: value });
  const search = (event) => {
    event.preventDefault();
    go(link(["audit"], asked));
  };
  const sources = useData(async () => Object.fromEntries((await getAll("sources")).map((source) => [source.id, source.name])), []);
  const midnight = (day) => (day ? `${day}T00:00:00Z` : undefined);
  const given = { object: query.object, actor: query.actor, from: midnight(query.from), to: midnight(query.to) };
  const load = async (page) => (await getIfAny("audit", { ...given, ...page })) ?? { items: [], cursor: null };
  return html`<h1>Audit log</h1>
    <form onSubmit=${search}>
      <div class="fields">
        <${Field} label="Object" value=${asked.object} onChange=${set("object")} hint="Such as charges/api_calls" />
        <${Field} label="Who" value=${asked.actor} onChange=${set("actor")} hint="ID of a key, or a person" />
        <${Field} label="From" type="date" value=${asked.from} onChange=${set("from")} />
        <${Field} label="Before" type="date" value=${asked.to} onChange=${set("to")} />
      </div>
      <p><button type="submit" class="primary">Show</button></p>
    </form>
    <${List} key=${JSON.stringify(given)} caption="Changes" name="audit-log" what="the audit log" load=${load} columns=${columns(sources.data ?? {})}
      empty="Nothing was changed in this time." />`;
}

function columns(sources) {
  return [
    { label: "When", value: (row) => row.recorded_at, show: (row) => dateTime(row.recorded_at) },
    { label: "Who", value: (row) => sources[row.source] ?? row.source, show: (row) => html`${sources[row.source] ?? row.source}<br /><span class="muted">${row.actor}, ${row.via.replaceAll("_", " ")}</span>` },
    { label: "What", value: (row) => row.action },
    { label: "Object", value: (row) => row.object },
    { label: "Result", value: (row) => row.stage, show: (row) => html`<span class=${row.stage === "failed" ? "tag bad" : "tag"}>${row.error ?? row.stage}</span>` },
    { label: "Why", value: (row) => row.reason ?? "" },
    { label: "Before and after", value: (row) => JSON.stringify([row.before, row.after]), show: (row) => html`<${Change} entry=${row} />` },
  ];
}

function Change({ entry }) {
  if (entry.before === null && entry.after === null) return "–";
  return html`<details><summary>Show</summary>
    <p>Before</p><pre tabindex="0">${entry.before === null ? "did not exist" : JSON.stringify(entry.before, null, 2)}</pre>
    <p>After</p><pre tabindex="0">${entry.after === null ? "does not exist" : JSON.stringify(entry.after, null, 2)}</pre></details>`;
}
