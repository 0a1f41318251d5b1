import { App } from "./app.js";
import { html, render } from "./lib/html.js";

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
root.replaceChildren();
render(html`<${App} />`, root);
