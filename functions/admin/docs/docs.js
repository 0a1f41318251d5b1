// The API reference, rendered from the OpenAPI document of the service that serves this page.

import { make } from "./dom.js";
import * as operations from "./operations.js";
import * as schemas from "./schemas.js";

const main = document.getElementById("content");
const menu = document.getElementById("menu");
const filter = document.getElementById("filter");
const source = new URL("openapi.json", location.href);

const group = (title, entries) => ({ title, entries });

// Returns what the page shows, by group: each entry with its id, its label for the menu, and its section's maker.
const groupsOf = (api) => {
  const base = new URL(".", source).href.replace(/\/$/, "");
  const all = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })));
  const tags = api.tags.map((tag) => group(tag.name, all.filter(({ operation }) => operation.tags[0] === tag.name).map(
    ({ path, method, operation }) => ({
      id: operation.operationId, label: operation.summary, text: `${method} ${path} ${operation.operationId}`,
      make: () => operations.section(base, path, method, operation),
    }))));
  const events = Object.entries(api.webhooks).map(([name, described]) => ({
    id: `webhook-${name}`, label: name, text: "webhook event", make: () => operations.webhook(name, described) }));
  const named = Object.entries(api.components.schemas).map(([name, schema]) => ({
    id: `schema-${name}`, label: name, text: "schema", make: () => schemas.section(name, schema) }));
  return [...tags, group("Events", events), group("Schemas", named)];
};

const anchor = (title) => `tag-${title.toLowerCase()}`;

const show = (api) => {
  const groups = groupsOf(api);
  menu.replaceChildren(...groups.map(({ title, entries }) => make("details", { open: title !== "Schemas" },
    make("summary", {}, title),
    make("ul", {}, entries.map(({ id, label, text }) =>
      make("li", { "data-text": `${label} ${text}`.toLowerCase() }, make("a", { href: `#${id}` }, label)))))));
  main.replaceChildren(
    make("h1", {}, `${api.info.title} API reference`), make("p", {}, api.info.description),
    make("p", {}, `Version ${api.info.version}. `, make("a", { href: source.href }, "OpenAPI document")),
    ...groups.map(({ title, entries }) => make("section", { "aria-labelledby": anchor(title) },
      make("h2", { id: anchor(title), tabindex: "-1" }, title), entries.map((entry) => entry.make()))));
};

// Shows what the address names: opens what hides it, scrolls there and moves the focus.
const follow = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (const link of menu.querySelectorAll("a")) {
    if (link.hash === location.hash) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  menu.querySelector("[aria-current]")?.closest("details").setAttribute("open", "");
  if (!target) return;
  target.focus({ preventScroll: true });
  target.scrollIntoView();
  requestAnimationFrame(() => requestAnimationFrame(() => target.scrollIntoView())); // once sizes near it are known
};

const narrow = () => {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of menu.querySelectorAll("li")) item.hidden = !words.every((word) => item.dataset.text.includes(word));
  for (const each of menu.querySelectorAll("details")) {
    each.hidden = ![...each.querySelectorAll("li")].some((item) => !item.hidden);
    if (words.length) each.open = true;
  }
};

const load = async () => {
  try {
    const response = await fetch(source);
    if (!response.ok) throw new Error(`status ${response.status}`);
    show(await response.json());
    follow();
  } catch (error) {
    main.replaceChildren(make("p", { role: "alert" }, `The OpenAPI document could not be loaded (${error.message}). `,
      make("button", { type: "button", onclick: load }, "Retry")));
  }
};

addEventListener("hashchange", follow);
filter.addEventListener("input", narrow);
load();
