/** The deliveries of an endpoint: each attempt, the body that is sent, and sending it again. */

import { get, getIfAny, path, send } from "../lib/api.js";
import { dateTime, stateName } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { List } from "../lib/list.js";
import { link } from "../lib/router.js";
import { Failure, Loaded, useData } from "../lib/states.js";

/** @type {[string, string][]} */
const STATES = [["", "All"], ["failed", "Failed"], ["due", "Due"], ["delivered", "Delivered"]];

export function Deliveries({ endpoint, query }) {
  const { id } = endpoint;
  const [times, setTimes] = useState(0);
  const load = (page) => get(path`endpoints/${id}/deliveries`, { state: query.state, type: query.type, ...page });
  return html`<nav aria-label="Deliveries"><ul class="tabs">${STATES.map(([state, label]) => html`<li>
      <a href=${link(["webhooks", id], { state, type: query.type })} aria-current=${state === (query.state ?? "") ? "page" : undefined}>${label}</a></li>`)}</ul></nav>
    <${List} caption="Deliveries" name=${`deliveries-${id}`} what="deliveries" load=${load} inputs=${[query.state, query.type, times]} empty="No delivery is in this state."
      columns=${columns(() => setTimes(times + 1))} />`;
}

function columns(reload) {
  return [
    { label: "Event", value: (row) => row.created_at, show: (row) => html`${row.type}<br /><span class="muted">${dateTime(row.created_at)}</span>` },
    { label: "Subscription", value: (row) => row.subscription ?? "" },
    { label: "State", value: (row) => stateName(row.state), show: (row) => html`<span class=${`tag ${row.state === "failed" ? "bad" : row.state === "delivered" ? "good" : ""}`}>${row.state}</span>` },
    { label: "Attempts", value: (row) => row.attempts.length, show: (row) => html`<${Attempts} delivery=${row} />` },
    { label: "Body", value: (row) => row.event, show: (row) => html`<${Body} delivery=${row} />` },
    { label: "Again", value: () => "", isAction: true, show: (row) => html`<${Again} delivery=${row} reload=${reload} />` },
  ];
}

function Attempts({ delivery }) {
  if (delivery.attempts.length === 0) return "none yet";
  return html`<details><summary>${delivery.attempts.length}</summary><ul>${delivery.attempts.map((attempt) => html`<li>
    ${dateTime(attempt.attempted_at)}: ${attempt.status ?? attempt.error} after ${attempt.duration_ms} ms${attempt.response ? html`<br /><code>${attempt.response}</code>` : null}</li>`)}</ul>
    ${delivery.error ? html`<p>${delivery.error}</p>` : null}</details>`;
}

export function Body({ delivery }) {
  const [isOpen, setOpen] = useState(false);
  return html`<button type="button" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>${isOpen ? "Hide" : "Show"}</button>
    ${isOpen ? html`<${Event} delivery=${delivery} />` : null}`;
}

function Event({ delivery }) {
  const loading = useData(async () => {
    const event = await getIfAny(path`events/${delivery.event}`);
    return event && (event.body ?? event);
  }, [delivery.event]);
  return html`<${Loaded} from=${loading} what="the event">${(event) => html`<p class="muted">${delivery.event}</p>
    ${event === null ? html`<p>The event is no longer stored.</p>` : html`<pre tabindex="0">${typeof event === "string" ? event : JSON.stringify(event, null, 2)}</pre>`}`}</${Loaded}>`;
}

function Again({ delivery, reload }) {
  const [state, setState] = useState({});
  const again = () => send("POST", path`deliveries/${delivery.id}/replay`).then(() => {
    setState({ sent: true });
    reload();
  }, (error) => setState({ error }));
  if (delivery.state === "due") return "–";
  const label = state.sent ? "Sent" : "Send again";
  return html`<button type="button" onClick=${again} aria-label=${`${label}: ${delivery.type}`}>${label}</button>${state.error ? html`<${Failure} error=${state.error} />` : null}`;
}
