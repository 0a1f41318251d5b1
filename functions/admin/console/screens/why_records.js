/** The usage records behind a rating, with their revisions and sources. */

import { getAll, get } from "../lib/api.js";
import { dateTime, units } from "../lib/format.js";
import { html } from "../lib/html.js";
import { List } from "../lib/list.js";
import { link } from "../lib/router.js";
import { allows } from "../lib/session.js";
import { useData } from "../lib/states.js";
import { Table } from "../lib/table.js";

/** @param {{rating: any, subscription: any, isBehind: boolean, session: any, load: (page: any) => Promise<any>}} props
 *   `isBehind`: the amount of the open period is older than its usage */
export function Records({ rating, subscription, isBehind, session, load }) {
  const sources = useSources(session);
  const zone = subscription.timezone;
  const page = async (asked) => {
    const found = asked.cursor ? await load(asked) : rating;
    return { items: found.records, cursor: found.records_cursor };
  };
  const since = isBehind || rating.state !== "open" || rating.corrects ? calculatedAt(rating) : undefined;
  const shown = columns({ rating, zone, sources, since, mayCorrect: allows(session, "usage:write") });
  return html`<h2>The usage records it is made of</h2>
    <p>Each record is a counter that an app pushed for a time. A record that was pushed again counts with its newest quantity, one that was voided does not count.
      Once a period is invoiced its amount stays: what changes later is billed, or credited, in the open period.${allows(session, "admin") ? "" : " Your key sees the records of its own source only."}</p>
    <${List} caption="Usage records" name=${`records-${rating.subscription}-${rating.charge}`} load=${page} level=${3}
      columns=${shown} inputs=${[rating]} empty="No records." />
    ${allows(session, "usage:read") ? html`<${Voided} rating=${rating} columns=${shown} />` : null}`;
}

/** Return when the amount was calculated last. @returns {string | undefined} */
export function calculatedAt(rating) {
  return rating.history.at(-1)?.rated_at;
}

/** Records that don't count any more, if there are some. @param {{rating: any, columns: import("../lib/table.js").Column[]}} props */
function Voided({ rating, columns: shown }) {
  const { subscription, metric } = rating;
  const { period_start: from, period_end: to } = rating.corrects ?? rating;
  const rows = useData(() => get("usage", { subscription, metric, from, to, voided: "true", limit: "100" }), [rating]).data?.items ?? [];
  return rows.length ? html`<${Table} caption="Voided records, which don't count" name=${`voided-${subscription}`} rows=${rows} level=${3} columns=${shown} />` : null;
}

/** Return the names of sources by id, as far as the session may read them. @returns {Record<string, string>} */
export function useSources(session) {
  const loading = useData(async () => {
    if (!allows(session, "admin")) return {};
    return Object.fromEntries((await getAll("sources")).map((source) => [source.id, source.name]));
  }, []);
  return loading.data ?? {};
}

function columns({ zone, sources, since, mayCorrect }) {
  const correction = (record) => link(["correct"], { key: record.idempotency_key, source: record.source });
  const isLater = (record) => since && Date.parse(record.received_at) > Date.parse(since);
  return [
    { label: "From", value: (row) => row.period_start, show: (row) => dateTime(row.period_start, zone) },
    { label: "Until", value: (row) => row.period_end, show: (row) => dateTime(row.period_end, zone) },
    { label: "Quantity", value: (row) => row.quantity, show: (row) => (row.voided ? html`<s>${units(row.quantity)}</s>` : units(row.quantity)), isNumber: true },
    { label: "Properties", value: (row) => [...(row.member ? [["member", row.member]] : []), ...Object.entries(row.properties ?? {})].map(([name, value]) => `${name}: ${value}`).join(", ") },
    { label: "Source", value: (row) => sources[row.source] ?? row.source },
    { label: "Key", value: (row) => row.idempotency_key, show: (row) => html`<code>${row.idempotency_key}</code>` },
    { label: "Revisions", value: (row) => row.revision, show: (row) => html`<${Revisions} record=${row} zone=${zone} />${isLater(row) ? html` <span class="tag">newer than the amount</span>` : null}` },
    ...(mayCorrect ? [{ label: "Correct", value: () => "", isAction: true, show: (row) => html`<a href=${correction(row)}>Correct</a>` }] : []),
  ];
}

export function Revisions({ record, zone }) {
  if (!record.history?.length || record.revision === 1) return String(record.revision);
  return html`<details><summary>${record.revision}</summary><ul>${record.history.map((revision) => html`<li>
    ${revision.voided ? "voided" : units(revision.quantity)}${revision.received_at ? `, ${dateTime(revision.received_at, zone)}` : ""}${revision.reason ? `: ${revision.reason}` : ""}</li>`)}</ul></details>`;
}
