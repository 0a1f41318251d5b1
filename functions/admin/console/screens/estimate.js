/** What a charge comes to for a number of units, while it is edited. */

import { Problem, send } from "../lib/api.js";
import { Field } from "../lib/form.js";
import { amount } from "../lib/format.js";
import { html, useEffect, useState } from "../lib/html.js";
import { Steps } from "../lib/steps.js";

const WAIT = 400;

export function Estimate({ draft, body }) {
  const [quantity, setQuantity] = useState("10000");
  const [state, setState] = useState({});
  useEffect(() => {
    if (!draft.metric) return undefined; // of a new charge, until it says what it charges
    let isCurrent = true;
    const timer = setTimeout(async () => {
      const result = await estimated(body, quantity);
      if (isCurrent) setState(result);
    }, WAIT);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [draft, quantity]);
  const { result, error } = state;
  return html`<section class="card" aria-label="Estimate">
    <h2>Estimate</h2>
    <${Field} label="For so many units in a period" value=${quantity} onChange=${setQuantity} inputmode="decimal" />
    <div role="status">${error ? html`<p>${error}</p>` : null}
      ${result ? html`<p class="figure">${amount(result.amount, result.currency)}</p>` : null}</div>
    ${result ? html`<${Steps} steps=${result.steps} rating=${result} caption="Steps" total=${result.amount} exact=${result.unrounded_amount} />` : null}
  </section>`;
}

async function estimated(body, quantity) {
  try {
    const { valid_from: _, ...charge } = body();
    return { result: await send("POST", "estimates", { body: { charge, units: quantity.trim() } }) };
  } catch (error) {
    const first = error instanceof Problem ? error.errors[0] : undefined;
    return { error: first ? `No estimate: ${first.field} ${first.message}.` : `No estimate: ${/** @type {Error} */ (error).message}` };
  }
}
