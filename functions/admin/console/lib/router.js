/** The address of a screen: `#/subscriptions/42?period=…`. */

import { useEffect, useState } from "./html.js";

/** @typedef {{path: string[], query: Record<string, string>}} Address */

/** @returns {Address} */
export function address() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  const words = path.split("/").filter(Boolean);
  return { path: words.map(decoded), query: Object.fromEntries(new URLSearchParams(query)) };
}

/**
 * Return the link to a screen.
 * @param {string[]} path
 * @param {Record<string, string | undefined>} [query]
 */
export function link(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const text = new URLSearchParams(/** @type {[string, string][]} */ (given)).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}

/** Show another screen. @param {string} target a link @param {boolean} [replace] without a step in the history */
export function go(target, replace = false) {
  if (replace) location.replace(target);
  else location.hash = target;
}

/** Return the address, and show the component again when it changes. */
export function useAddress() {
  const [shown, show] = useState(address);
  useEffect(() => {
    const changed = () => show(address());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return shown;
}

function decoded(word) {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}
