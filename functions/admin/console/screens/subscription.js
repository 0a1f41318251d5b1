/** One subscription: its usage, ratings, order lines, statements, and what happened to it. */

import { get, path, send, SERVICE } from "../lib/api.js";
import { date, dateTime, stateName } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { link } from "../lib/router.js";
import { allows } from "../lib/session.js";
import { Failure, Loaded, useData } from "../lib/states.js";
import { History } from "./subscription_history.js";
import { Lines } from "./subscription_lines.js";
import { Ratings } from "./subscription_ratings.js";
import { Statements } from "./subscription_statements.js";
import { Usage } from "./subscription_usage.js";
import { customerName } from "./subscriptions.js";

/** @type {Record<string, {label: string, view: any}>} */
const TABS = {
  usage: { label: "Usage", view: Usage },
  ratings: { label: "Ratings", view: Ratings },
  lines: { label: "Order lines", view: Lines },
  statements: { label: "Statements", view: Statements },
  history: { label: "Plan and history", view: History },
};

export function Screen({ params, query, session }) {
  const [id] = params;
  const name = TABS[query.tab] ? query.tab : "usage";
  const loading = useData(() => described(id, session), [id]);
  const View = TABS[name].view;
  return html`<${Loaded} from=${loading} what="the subscription">
    ${(subscription) => html`
      <h1>${customerName(subscription)}</h1>
      <${Summary} subscription=${subscription} session=${session} />
      <nav aria-label="Of this subscription"><ul class="tabs">
        ${Object.entries(TABS).map(([key, { label }]) => html`<li><a href=${link(["subscription", id], { tab: key })} aria-current=${key === name ? "page" : undefined}>${label}</a></li>`)}
      </ul></nav>
      <${View} key=${name} subscription=${subscription} query=${query} session=${session} />`}
  </${Loaded}>`;
}

/** Return the subscription; of a key that may not read the catalog, as much as its usage shows. @param {string} id */
export async function described(id, session) {
  if (allows(session, "catalog:read")) return get(path`subscriptions/${id}`);
  const { subscription, currency, timezone } = await get(path`subscriptions/${id}/usage`);
  return { id: subscription, currency, timezone };
}

function Summary({ subscription, session }) {
  const facts = [
    ["Subscription", subscription.name],
    ["Plan", subscription.plan],
    ["State", subscription.state && stateName(subscription.state)],
    ["Next invoice", subscription.next_invoice_date && date(subscription.next_invoice_date)],
    ["Time zone", subscription.timezone],
    ["ID", [subscription.id, ...(subscription.aliases ?? [])].join(", ")],
  ].filter(([, value]) => value);
  return html`<dl>${facts.map(([label, value]) => html`<dt>${label}</dt><dd>${value}</dd>`)}</dl>
    <div class="actions">
      ${allows(session, "usage:write") ? html`<a class="button" href=${link(["correct"], { subscription: subscription.id })}>Correct a record</a>` : null}
      ${allows(session, "admin") ? html`<${PortalLink} id=${subscription.id} />` : null}
    </div>`;
}

/** A link for the customer, to the portal. @param {{id: string}} props */
function PortalLink({ id }) {
  const [state, setState] = useState({});
  const create = () => send("POST", "portal-tokens", { body: { subscription: id } }).then((made) => setState({ made }), (error) => setState({ error }));
  if (state.error) return html`<${Failure} error=${state.error} retry=${create} />`;
  if (!state.made) return html`<button type="button" onClick=${create}>Link for the customer</button>`;
  const target = new URL(`portal?token=${state.made.token}`, SERVICE).href;
  return html`<p>Until ${dateTime(state.made.expires_at)} this shows the customer the usage: <a href=${target} target="_blank" rel="noopener">open the portal</a></p>`;
}
