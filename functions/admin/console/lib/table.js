/** A table that sorts, filters, pages, and exports CSV. */

import { chooseMark, csv, hasMark, save } from "./csv.js";
import { html, useEffect, useId, useMemo, useState } from "./html.js";

/**
 * @typedef {object} Column
 * @property {string} label
 * @property {(row: any) => string | number | null | undefined} value what is sorted, filtered and exported
 * @property {(row: any, rows: any[]) => any} [show] what is shown, if not the value
 * @property {boolean} [isNumber] sorted as a number, aligned to the right
 * @property {boolean} [isAction] links or buttons: neither sorted nor exported
 */

const PAGE = 25;
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/**
 * @param {{caption: string, columns: Column[], rows: any[], name?: string, empty?: any, pageSize?: number,
 *   sort?: number, descending?: boolean, more?: (() => Promise<any>) | null, actions?: any, plain?: boolean, level?: number}} props
 *   `name`: of the CSV file; `sort`: the column it is sorted by at first; `more`: loads further rows;
 *   `plain`: without filter and export; `level`: of its heading
 */
export function Table({ caption, columns, rows, name, empty = "Nothing here.", pageSize = PAGE, sort, descending, more, actions, plain, level = 2 }) {
  const [order, setOrder] = useState({ column: sort ?? -1, descending: Boolean(descending) });
  const [filter, setFilter] = useState("");
  const [page, setPage] = useState(0);
  const [isPrinted, setPrinted] = useState(false);
  const [mark, setMark] = useState(hasMark);
  useEffect(() => {
    const events = Object.entries({ beforeprint: () => setPrinted(true), afterprint: () => setPrinted(false), "csv-mark": () => setMark(hasMark()) });
    events.forEach(([event, listener]) => addEventListener(event, listener));
    return () => events.forEach(([event, listener]) => removeEventListener(event, listener));
  }, []);
  const id = useId();
  const shown = useMemo(() => sorted(filtered(rows, columns, filter), columns, order), [rows, columns, filter, order]);
  const pages = Math.max(1, Math.ceil(shown.length / pageSize));
  const at = Math.min(page, pages - 1);
  const part = isPrinted ? shown : shown.slice(at * pageSize, (at + 1) * pageSize);
  const sortBy = (column) => {
    setOrder({ column, descending: order.column === column ? !order.descending : false });
    setPage(0);
  };
  const withFilter = !plain && (rows.length > 5 || filter !== "");
  const Heading = `h${level}`;
  return html`<div class="table">
    <div class="bar">
      <${Heading} id=${id}>${caption}</${Heading}>
      ${withFilter
        ? html`<label class="inline">Filter <input type="search" value=${filter} onInput=${(event) => {
            setFilter(event.currentTarget.value);
            setPage(0);
          }} /></label>`
        : null}
      ${plain || rows.length === 0 ? null : html`<button type="button" onClick=${() => exported(name ?? caption, columns, shown)}>Export CSV</button>
        <label class="inline" title="Excel needs a byte order mark (BOM) at the beginning of the file"><input type="checkbox" checked=${mark} onChange=${() => chooseMark(!mark)} /> for Excel</label>`}
      ${actions}
    </div>
    ${rows.length === 0
      ? html`<p class="empty">${empty}</p>`
      : html`<div class="scroll" tabindex="0" role="region" aria-labelledby=${id}>
          <table>
            <thead><tr>${columns.map((column, index) => html`<${Head} column=${column} order=${order} index=${index} sortBy=${sortBy} plain=${plain} />`)}</tr></thead>
            <tbody>
              ${part.map((row) => html`<tr>${columns.map(
                (column) => html`<td class=${styleOf(column)}>${column.show ? column.show(row, rows) : (column.value(row) ?? "–")}</td>`,
              )}</tr>`)}
              ${shown.length === 0 ? html`<tr><td colspan=${columns.length}>Nothing matches the filter.</td></tr>` : null}
            </tbody>
          </table>
        </div>`}
    <div class="bar pages">
      ${pages > 1
        ? html`<button type="button" disabled=${at === 0} onClick=${() => setPage(at - 1)}>Previous</button>
            <span role="status">Page ${at + 1} of ${pages}</span>
            <button type="button" disabled=${at + 1 >= pages} onClick=${() => setPage(at + 1)}>Next</button>`
        : null}
      ${more ? html`<button type="button" onClick=${more}>Load more</button><span class="muted">${rows.length} are loaded; filter, order and export concern these.</span>` : null}
    </div>
  </div>`;
}

function styleOf({ isNumber, isAction }) {
  return isNumber ? "number" : isAction ? "no-print" : undefined;
}

function Head({ column, order, index, sortBy, plain }) {
  const direction = order.column !== index ? "none" : order.descending ? "descending" : "ascending";
  const style = styleOf(column);
  if (plain || column.isAction) return html`<th scope="col" class=${style}>${column.label}</th>`;
  return html`<th scope="col" aria-sort=${direction} class=${style}>
    <button type="button" onClick=${() => sortBy(index)}>${column.label}<span aria-hidden="true">${{ none: "", ascending: " ▲", descending: " ▼" }[direction]}</span></button>
  </th>`;
}

function filtered(rows, columns, filter) {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return rows;
  return rows.filter((row) => {
    const text = columns.map((column) => column.value(row) ?? "").join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

function sorted(rows, columns, order) {
  const column = columns[order.column];
  if (!column) return rows;
  const direction = order.descending ? -1 : 1;
  const keyed = rows.map((row) => ({ row, key: column.value(row) ?? "" }));
  keyed.sort((one, other) => direction * (column.isNumber ? Number(one.key) - Number(other.key) : collator.compare(String(one.key), String(other.key))));
  return keyed.map(({ row }) => row);
}

function exported(name, columns, rows) {
  const exportable = columns.filter((column) => !column.isAction);
  const text = csv(exportable.map((column) => column.label), rows.map((row) => exportable.map((column) => column.value(row))));
  save(`${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}.csv`, text);
}
