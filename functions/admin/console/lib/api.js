/** Requests to `/v1`. The session's cookie authenticates them; scripts hold no secret. */

/** @typedef {{field: string, code: string, message: string}} Fault one wrong field of a request */

/** Where the service stands, which may be below a path. The console's page is at `console` and at `console/` there. */
export const SERVICE = import.meta.url.replace(/(\/console)+\/v\/[^/]+\/lib\/[^/]+$/, "/");

const BASE = new URL("v1/", SERVICE);
const SESSION_ENDED = new Set(["missing_key", "session_expired"]);

/** The API refused a request (RFC 9457). */
export class Problem extends Error {
  /**
   * @param {number} status the HTTP status
   * @param {Record<string, any>} document the problem document
   */
  constructor(status, document) {
    super(document.detail ?? document.message ?? `The service responded with status ${status}`);
    this.status = status;
    /** @type {string} */
    this.code = document.code ?? "";
    /** @type {Fault[]} */
    this.errors = document.errors ?? [];
    this.document = document;
  }
}

/** No response came. */
export class ConnectionLost extends Error {
  constructor() {
    super("No connection to the service. Check the network, then retry.");
  }
}

/** @type {() => void} */
let sessionEnded = () => {};

/** Have `listener` called when a request finds the session ended. @param {() => void} listener */
export function onSessionEnd(listener) {
  sessionEnded = listener;
}

/**
 * Build a path; values are escaped: path`subscriptions/${id}/usage`.
 * @param {TemplateStringsArray} texts
 * @param {...string} values
 */
export function path(texts, ...values) {
  return String.raw({ raw: texts }, ...values.map((value) => encodeURIComponent(value)));
}

/**
 * Send a request and return the response's JSON, null for none.
 * @param {string} method
 * @param {string} target below `/v1/`
 * @param {{query?: Record<string, string | undefined>, body?: unknown}} [options]
 * @returns {Promise<any>}
 */
export async function send(method, target, { query = {}, body } = {}) {
  const url = new URL(target, BASE);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  const headers = /** @type {Record<string, string>} */ ({ "fusion-session": "1", accept: "application/json" });
  if (body !== undefined) headers["content-type"] = "application/json";
  const sent = body === undefined ? undefined : JSON.stringify(body);
  let response, text;
  try {
    response = await fetch(url, { method, headers, body: sent, credentials: "same-origin", cache: "no-store" });
    text = await response.text();
  } catch {
    throw new ConnectionLost();
  }
  const document = parsed(text);
  if (response.ok) return document;
  const problem = new Problem(response.status, document ?? {});
  if (response.status === 401 && SESSION_ENDED.has(problem.code)) sessionEnded();
  throw problem;
}

export const get = (target, query) => send("GET", target, { query });

/** Return what a route shows, or null if the route or the thing does not exist.
 * @param {string} target @param {Record<string, string | undefined>} [query] */
export async function getIfAny(target, query) {
  try {
    return await get(target, query);
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

/**
 * Return all items of a list, up to `most`.
 * @param {string} target
 * @param {Record<string, string | undefined>} [query]
 * @param {number} [most]
 * @returns {Promise<any[]>}
 */
export async function getAll(target, query = {}, most = 5000) {
  const items = [];
  let cursor;
  do {
    const page = await get(target, { limit: "500", ...query, cursor });
    items.push(...page.items);
    cursor = page.cursor ?? undefined;
  } while (cursor && items.length < most);
  return items;
}

function parsed(text) {
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
