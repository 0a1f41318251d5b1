/** Who is signed in. The API key is exchanged for a cookie that scripts can't read; it is stored nowhere here. */

import { onSessionEnd, Problem, send } from "./api.js";
import { useEffect, useState } from "./html.js";

/**
 * @typedef {object} Session
 * @property {string} source
 * @property {string} source_name
 * @property {string} key_id
 * @property {string[]} scopes
 */

/** @type {{session: Session | null | undefined, ended: boolean}} undefined: not known yet; null: signed out */
let state = { session: undefined, ended: false };
/** @type {Set<(state: any) => void>} */
const listeners = new Set();

function change(changed) {
  state = changed;
  for (const listener of listeners) listener(state);
}

onSessionEnd(() => change({ session: null, ended: Boolean(state.session) }));

/** Return the session, and show the component again when it changes. */
export function useSession() {
  const [shown, show] = useState(state);
  useEffect(() => {
    listeners.add(show);
    show(state);
    return () => {
      listeners.delete(show);
    };
  }, []);
  return shown;
}

/** Find out who is signed in. */
export async function loadSession() {
  try {
    change({ session: (await send("GET", "sessions")) ?? null, ended: false });
  } catch (error) {
    if (!(error instanceof Problem && error.status === 401)) throw error;
    change({ session: null, ended: false });
  }
}

export async function signIn(key) {
  change({ session: await send("POST", "sessions", { body: { key } }), ended: false });
}

/** End the session. */
export async function signOut() {
  await send("DELETE", "sessions");
  change({ session: null, ended: false });
}

/** Return whether a session may use what needs `scope`. @param {Session} session @param {string} scope */
export function allows(session, scope) {
  return session.scopes.includes("admin") || session.scopes.includes(scope);
}
