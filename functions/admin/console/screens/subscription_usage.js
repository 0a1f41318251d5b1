/** What a subscription used in a period, by day, and against its included units. */

import { get, getAll, path } from "../lib/api.js";
import { about, amount, noun, period, quantity, units } from "../lib/format.js";
import { html, useMemo, useState } from "../lib/html.js";
import { Plot } from "../lib/plot.js";
import { link } from "../lib/router.js";
import { allows } from "../lib/session.js";
import { Empty, Loaded, useData } from "../lib/states.js";
import { chargeName } from "../lib/words.js";
import { addsUp, byDay, cumulative, daysOf, groupings } from "../lib/usage_days.js";

const MOST_RECORDS = 5000;

export function Usage({ subscription, query, session }) {
  const { id, timezone: zone } = subscription;
  const loading = useData(() => get(path`subscriptions/${id}/usage`, { at: query.at }), [id, query.at]);
  return html`<${Loaded} from=${loading} what="usage">${(usage) => html`
    <${Periods} id=${id} usage=${usage} zone=${zone} isOpen=${usage.state === "open"} />
    ${usage.metrics.length === 0 ? html`<${Empty}>Nothing was used in this period, and no charge applies.</${Empty}>` : null}
    ${usage.metrics.map((metric) => html`<${Metric} key=${metric.metric} usage=${usage} metric=${metric} subscription=${subscription} session=${session} />`)}
  `}</${Loaded}>`;
}

function Periods({ id, usage, zone, isOpen }) {
  const before = new Date(Date.parse(usage.period_start) - 1000).toISOString();
  return html`<div class="bar">
    <h2>${period(usage.period_start, usage.period_end, zone)} <span class="tag">${isOpen ? "open" : usage.state}</span></h2>
    <a class="button" href=${link(["subscription", id], { at: before })}>Previous period</a>
    ${isOpen ? null : html`<a class="button" href=${link(["subscription", id])}>Open period</a>`}
  </div>`;
}

function Metric({ usage, metric, subscription, session }) {
  const why = metric.charges.map((charge) => html`<a href=${link(["why", subscription.id, charge.charge], { period_start: usage.period_start })}>Why ${amount(charge.amount, charge.currency)} for ${chargeName(charge, metric.charges)}?</a> `);
  return html`<section>
    <h3 class="metric">${metric.name}</h3>
    <ul class="cards">
      <${Card} label="Used" figure=${quantity(metric.units, metric.unit)} />
      <${Card} label="Included" figure=${units(metric.included_units)} />
      <${Card} label="Amount so far" figure=${amount(metric.amount, metric.currency)} />
      ${usage.state === "open" ? html`<${Card} label="Projected for the period" figure=${amount(metric.projection.amount, metric.currency)}
        note=${`about ${about(metric.projection.units ?? metric.units)} ${noun(metric.unit ?? "unit")}`} />` : null}
    </ul>
    ${(metric.unpriced ?? []).map((fault) => html`<div class="notice warn"><p>The charge ${fault.charge} can't be priced: ${fault.reason}</p></div>`)}
    ${metric.unbilled ? html`<div class="notice warn"><p>${quantity(metric.unbilled.units, metric.unit)} are not billed: ${units(metric.unbilled.records_before)} records are from before the subscription's start, ${units(metric.unbilled.records_after)} from after its end.</p></div>` : null}
    <p class="no-print">${why}</p>
    ${allows(session, "usage:read") && session.scopes.includes("admin")
      ? html`<${Days} usage=${usage} metric=${metric} subscription=${subscription} />`
      : metric.days?.length > 1 ? html`<${Totals} usage=${usage} metric=${metric} />` : null}
  </section>`;
}

export function Card({ label, figure, note }) {
  return html`<li class="card"><p class="muted">${label}</p><p class="figure">${figure}</p>${note ? html`<p class="muted">${note}</p>` : null}</li>`;
}

function Days({ usage, metric, subscription }) {
  const range = { from: usage.period_start, to: usage.period_end };
  const query = { subscription: subscription.id, metric: metric.metric, ...range };
  const loading = useData(async () => {
    const [records, definition] = await Promise.all([getAll("usage", query, MOST_RECORDS), get(path`metrics/${metric.metric}`).catch(() => null)]);
    return { records, aggregation: definition?.aggregation ?? "sum" };
  }, [usage.period_start, metric.metric]);
  return html`<${Loaded} from=${loading} what="records">${({ records, aggregation }) =>
    records.length === 0
      ? html`<${Empty}>No records in this period.</${Empty}>`
      : html`<${Plots} usage=${usage} metric=${metric} zone=${subscription.timezone} records=${records} aggregation=${aggregation} />`}</${Loaded}>`;
}

/** The days of all sources, for a key that does not read their records. @param {{usage: any, metric: any}} props */
function Totals({ usage, metric }) {
  const days = useMemo(() => daysOf(usage.period_start, usage.period_end, usage.timezone), [usage]);
  const series = useMemo(() => {
    const found = new Map(metric.days.map((day) => [day.date, Number(day.units)]));
    return [{ label: "Used", values: days.map((day) => found.get(day) ?? null), kind: /** @type {const} */ ("bar") }];
  }, [metric]);
  const unit = noun(metric.unit ?? "unit");
  return html`<${Plot} title=${`${metric.name} by day`} days=${days} series=${series} unit=${unit} summary=${`${units(metric.units)} ${unit} in all`} />`;
}

function Plots({ usage, metric, zone, records, aggregation }) {
  const choices = useMemo(() => groupings(records), [records]);
  const [grouping, setGrouping] = useState(choices[choices.length > 1 ? 1 : 0][0]);
  const days = useMemo(() => daysOf(usage.period_start, usage.period_end, zone), [usage]);
  const bars = useMemo(() => byDay(records, days, zone, grouping, aggregation), [records, days, grouping]);
  const lines = useMemo(() => cumulative({ records, days, zone, aggregation, metric, usage }), [records, days]);
  const unit = noun(metric.unit ?? "unit");
  const total = `${units(metric.units)} ${unit} in all`;
  return html`
    ${choices.length > 1
      ? html`<label class="inline no-print">Split by <select value=${grouping} onInput=${(event) => setGrouping(event.currentTarget.value)}>
          ${choices.map(([code, label]) => html`<option value=${code}>${label}</option>`)}</select></label>`
      : null}
    <${Plot} title=${`${metric.name} by day`} days=${days} series=${bars} unit=${unit} stacked=${addsUp(aggregation)} summary=${total} />
    <${Plot} title=${`${metric.name} so far, against what is included`} days=${days} series=${lines} unit=${unit}
      summary=${`${total}; ${units(metric.included_units)} are included`} />
    ${records.length >= MOST_RECORDS ? html`<p class="muted">The plots show the first ${units(MOST_RECORDS)} records; the figures above cover all.</p>` : null}`;
}
