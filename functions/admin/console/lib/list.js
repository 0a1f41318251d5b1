/** A list of the API as a table: its first page, and further ones when asked for. */

import { html, useState } from "./html.js";
import { Failure, Loaded, useData } from "./states.js";
import { Table } from "./table.js";

/**
 * @param {{caption: string, columns: import("./table.js").Column[], load: (page: {limit: string, cursor?: string}) => Promise<any>,
 *   what?: string, inputs?: unknown[], limit?: number, [option: string]: any}} props
 *   `load`: loads a page; `inputs`: what a change of loads the list anew
 */
export function List({ load, what = "the list", inputs = [], limit = 100, ...table }) {
  const first = useData(() => load({ limit: String(limit) }), inputs);
  return html`<${Loaded} from=${first} what=${what}>${(page) => html`<${Pages} page=${page} load=${load} limit=${limit} table=${table} />`}</${Loaded}>`;
}

function Pages({ page, load, limit, table }) {
  const [further, setFurther] = useState({ items: ([]), cursor: page.cursor });
  const [error, setError] = useState(null);
  const more = async () => {
    setError(null);
    try {
      const next = await load({ limit: String(limit), cursor: further.cursor });
      setFurther({ items: [...further.items, ...next.items], cursor: next.cursor });
    } catch (failure) {
      setError(/** @type {Error} */ (failure));
    }
  };
  return html`<${Table} ...${table} rows=${[...page.items, ...further.items]} more=${further.cursor ? more : null} />
    ${error ? html`<${Failure} error=${error} retry=${more} />` : null}`;
}
