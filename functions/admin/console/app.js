/** The console's frame: sign-in, navigation, and the screen that the address names. */

import { html, useEffect, useErrorBoundary, useRef, useState } from "./lib/html.js";
import { link, useAddress } from "./lib/router.js";
import { allows, loadSession, signOut, useSession } from "./lib/session.js";
import { Failure, Loaded, useData } from "./lib/states.js";
import { SCREENS, screenOf } from "./screens.js";
import { SignIn } from "./sign_in.js";

/** The whole page. */
export function App() {
  const { session, ended } = useSession();
  const loading = useData(loadSession, []);
  const [crash, recover] = useErrorBoundary();
  if (crash) return html`<main class="center"><${Failure} error=${new Error("The console failed to show this. Reload the page, or go back.")} retry=${recover} /></main>`;
  if (session === undefined) return html`<main class="center"><${Loaded} from=${loading} what="the console">${() => null}</${Loaded}></main>`;
  if (session === null) return html`<${SignIn} ended=${ended} />`;
  return html`<${Frame} session=${session} />`;
}

function Frame({ session }) {
  const address = useAddress();
  const screen = screenOf(address.path);
  const main = useRef(null);
  const place = address.path.join("/");
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${screen?.label ?? "Not found"} · Fusion Billing`;
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
    scrollTo(0, 0);
  }, [place]);
  return html`
    <a class="skip" href="#main" onClick=${(event) => {
      event.preventDefault();
      main.current?.focus();
    }}>Skip to content</a>
    <${Header} session=${session} current=${screen} />
    <main id="main" tabindex="-1" ref=${main}>
      ${screen === undefined
        ? html`<h1>Not found</h1><p>There is no such screen. <a href=${link([])}>Go to the overview</a></p>`
        : allows(session, screen.scope)
          ? html`<${Screen} key=${place} screen=${screen} address=${address} session=${session} />`
          : html`<h1>${screen.label}</h1><${Lacking} scope=${screen.scope} />`}
    </main>`;
}

function Lacking({ scope }) {
  return html`<div class="notice">
    <p>Your API key lacks the scope <code>${scope}</code>, which this screen needs. Sign in with a key that has it.</p>
  </div>`;
}

function Screen({ screen, address, session }) {
  const module = useData(() => screen.load(), [screen]);
  const [crash, recover] = useErrorBoundary();
  if (crash) return html`<h1>${screen.label}</h1><${Failure} error=${new Error("This screen failed. Retry, or reload the page.")} retry=${recover} />`;
  if (module.status === "error") {
    const error = new Error("This screen could not be loaded: there is no connection, or the console was updated. Reload the page.");
    return html`<h1>${screen.label}</h1><${Failure} error=${error} retry=${() => location.reload()} />`;
  }
  return html`<${Loaded} from=${module} what=${screen.label}>
    ${(loaded) => html`<${loaded.Screen} params=${address.path.slice(1)} query=${address.query} session=${session} />`}
  </${Loaded}>`;
}

function Header({ session, current }) {
  const [isOpen, setOpen] = useState(false);
  const [failed, setFailed] = useState(null);
  const leave = () => signOut().catch(setFailed);
  const shown = SCREENS.filter((screen) => screen.inMenu && allows(session, screen.scope));
  return html`<header class=${isOpen ? "open" : ""}>
    <p class="brand"><a href=${link([])}>Fusion Billing</a></p>
    <button type="button" class="menu" aria-expanded=${isOpen} aria-controls="menu" onClick=${() => setOpen(!isOpen)}>Menu</button>
    <div id="menu">
      <nav aria-label="Screens">
        <ul>${shown.map(
          (screen) => html`<li><a href=${link(screen.path)} aria-current=${screen === current ? "page" : undefined}
            onClick=${() => setOpen(false)}>${screen.label}</a></li>`,
        )}</ul>
      </nav>
      <div class="who">
        <p>Signed in as <strong>${session.source_name}</strong></p>
        <button type="button" onClick=${leave}>Sign out</button>
        ${failed ? html`<p class="error" role="alert">${failed.message}</p>` : null}
      </div>
    </div>
  </header>`;
}
