/** The usage records behind a rating, with their revisions and sources. */

import { getAll } from "../lib/api.js";
import { dateTime, units } from "../lib/format.js";
import { html } from "../lib/html.js";
import { List } from "../lib/list.js";
import { link } from "../lib/router.js";
import { allows } from "../lib/session.js";
import { useData } from "../lib/states.js";

/** @param {{rating: any, zone: string, session: any, load: (page: any) => Promise<any>}} props */
export function Records({ rating, zone, session, load }) {
  const sources = useSources(session);
  const page = async (/** @type {any} */ asked) => {
    const found = asked.cursor ? await load(asked) : rating;
    return { items: found.records, cursor: found.records_cursor };
  };
  return html`<h2>The usage records it is made of</h2>
    <p>Each record is a counter that an app pushed for a time. A record with more than one revision was pushed again with another quantity, or voided.</p>
    <${List} caption="Usage records" name=${`records-${rating.subscription}-${rating.charge}`} load=${page} level=${3}
      columns=${columns(rating, zone, sources, allows(session, "usage:write"))} inputs=${[rating]} empty="No records." />`;
}

/** Return the names of sources by id, as far as the session may read them. @param {any} session @returns {Record<string, string>} */
export function useSources(session) {
  const loading = useData(async () => {
    if (!allows(session, "admin")) return {};
    return Object.fromEntries((await getAll("sources")).map((source) => [source.id, source.name]));
  }, []);
  return loading.data ?? {};
}

/** @param {any} rating @param {string} zone @param {Record<string, string>} sources @param {boolean} mayCorrect @returns {import("../lib/table.js").Column[]} */
function columns(rating, zone, sources, mayCorrect) {
  const correction = (/** @type {any} */ record) => link(["correct"], { key: record.idempotency_key, source: record.source });
  return [
    { label: "From", value: (row) => row.period_start, show: (row) => dateTime(row.period_start, zone) },
    { label: "Until", value: (row) => row.period_end, show: (row) => dateTime(row.period_end, zone) },
    { label: "Quantity", value: (row) => row.quantity, show: (row) => units(row.quantity), isNumber: true },
    { label: "Properties", value: (row) => Object.entries(row.properties ?? {}).map(([name, value]) => `${name}: ${value}`).join(", ") },
    { label: "Source", value: (row) => sources[row.source] ?? row.source },
    { label: "Key", value: (row) => row.idempotency_key, show: (row) => html`<code>${row.idempotency_key}</code>` },
    { label: "Revisions", value: (row) => row.revision, show: (row) => html`<${Revisions} record=${row} zone=${zone} />` },
    ...(mayCorrect ? [{ label: "Correct", value: () => "", isAction: true, show: (/** @type {any} */ row) => html`<a href=${correction(row)}>Correct</a>` }] : []),
  ];
}

/** @param {{record: any, zone: string}} props */
export function Revisions({ record, zone }) {
  if (record.revision === 1) return "1";
  return html`<details><summary>${record.revision}</summary><ul>${record.history.map((/** @type {any} */ revision) => html`<li>
    ${revision.voided ? "voided" : units(revision.quantity)}${revision.received_at ? `, ${dateTime(revision.received_at, zone)}` : ""}${revision.reason ? `: ${revision.reason}` : ""}</li>`)}</ul></details>`;
}
