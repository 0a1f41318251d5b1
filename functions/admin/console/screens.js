/** The console's screens: where each is, which scope it needs, and the module that is loaded when it is opened. */

/**
 * @typedef {object} Screen
 * @property {string[]} path the first word of its address; none for the first screen
 * @property {string} label
 * @property {string} scope
 * @property {boolean} inMenu
 * @property {() => Promise<any>} load
 */

/** @type {Screen[]} */
export const SCREENS = [
  { path: [], label: "Overview", scope: "ratings:read", inMenu: true, load: () => import("./screens/overview.js") },
  {
    path: ["subscriptions"],
    label: "Customers",
    scope: "catalog:read",
    inMenu: true,
    load: () => import("./screens/subscriptions.js"),
  },
  {
    path: ["subscription"],
    label: "Subscription",
    scope: "ratings:read",
    inMenu: false,
    load: () => import("./screens/subscription.js"),
  },
  { path: ["why"], label: "Why is this billed?", scope: "ratings:read", inMenu: false, load: () => import("./screens/why.js") },
  { path: ["correct"], label: "Correct", scope: "usage:write", inMenu: true, load: () => import("./screens/correct.js") },
  { path: ["lines"], label: "Order lines", scope: "admin", inMenu: true, load: () => import("./screens/lines.js") },
  { path: ["webhooks"], label: "Webhooks", scope: "webhooks:write", inMenu: true, load: () => import("./screens/webhooks.js") },
  { path: ["catalog"], label: "Catalog", scope: "catalog:read", inMenu: true, load: () => import("./screens/catalog.js") },
  {
    path: ["adjustments"],
    label: "Late usage",
    scope: "ratings:read",
    inMenu: true,
    load: () => import("./screens/adjustments.js"),
  },
  { path: ["sources"], label: "Sources and keys", scope: "admin", inMenu: true, load: () => import("./screens/sources.js") },
  { path: ["audit"], label: "Audit log", scope: "admin", inMenu: true, load: () => import("./screens/audit.js") },
];

export function screenOf(path) {
  const [first] = path;
  return SCREENS.find((screen) => screen.path[0] === first);
}
