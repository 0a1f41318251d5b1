/**
 * `<fusion-usage token="fbp1…">`: what one subscription used, what is included, what it comes to, and why.
 *
 *     <script src="https://billing.example.com/portal/fusion-usage.js"></script>
 *     <fusion-usage token="fbp1…"></fusion-usage>
 *
 * It reads with the portal token alone, sends no cookies, and shows texts as texts. The page's origin must be allowed
 * by the service (template parameter PortalOrigins). Set `token` again to renew it.
 */
(() => {
  const script = document.currentScript;
  const BASE = new URL("../v1/", script instanceof HTMLScriptElement ? script.src : location.href);
  const STYLE = `
    :host { display: block; font: inherit; color: inherit; --fusion-accent: light-dark(#1f5fbf, #86b5ff); --fusion-line: light-dark(#d3dae3, #3a4554); --fusion-muted: light-dark(#526072, #a8b3c2); }
    section { border: 1px solid var(--fusion-line); border-radius: 8px; padding: 1rem; margin: 0 0 1rem; }
    h2 { font-size: 1.15rem; margin: 0 0 .75rem; } h3 { font-size: 1rem; margin: 0 0 .25rem; }
    p { margin: 0 0 .5rem; } .muted { color: var(--fusion-muted); }
    .amount { font-size: 1.5rem; font-weight: 650; font-variant-numeric: tabular-nums; }
    .meter { height: .75rem; border-radius: 999px; background: var(--fusion-line); overflow: hidden; position: relative; }
    .bars { height: 5rem; margin: .75rem 0; }
    svg { display: block; width: 100%; height: 100%; } rect { fill: var(--fusion-accent); }
    .scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
    th, td { text-align: start; padding: .35rem .5rem; border-bottom: 1px solid var(--fusion-line); vertical-align: top; }
    .number { text-align: end; font-variant-numeric: tabular-nums; white-space: nowrap; }
    details > summary { cursor: pointer; padding: .25rem 0; } a, button { color: var(--fusion-accent); }
    button { font: inherit; background: none; border: 1px solid; border-radius: 6px; padding: .3rem .8rem; cursor: pointer; }
    :focus-visible { outline: 3px solid var(--fusion-accent); outline-offset: 2px; }`;

  const LOCALE = [...navigator.languages];
  const digits = (text) => (text.split(".")[1] ?? "").length;
  const units = (value) => {
    const count = digits(String(value));
    const isLong = count > 20; // it does not end
    return (isLong ? "≈ " : "") + new Intl.NumberFormat(LOCALE, { maximumFractionDigits: isLong ? 8 : count }).format(value);
  };
  const about = (value) => new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 }).format(value);
  const money = (value, currency) => {
    const options = { style: "currency", currency };
    const own = new Intl.NumberFormat(LOCALE, options).resolvedOptions().maximumFractionDigits;
    const isLong = digits(value) > 20; // it does not end
    const count = Math.max(own, isLong ? 8 : digits(value));
    return (isLong ? "≈ " : "") + new Intl.NumberFormat(LOCALE, { ...options, minimumFractionDigits: isLong ? own : count, maximumFractionDigits: count }).format(value);
  };
  const isEqual = (one, other) => [one, other].map((text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text)).every((text, _, all) => text === all[0]);

  // The words of steps are written as the console has them (console/lib/steps.js and format.js; a test compares them).
  const noun = (unit, value) =>
    value === "1" || !/^([a-z]{4,}|day|job|run|app)$/.test(unit) || !/[aeiou]/.test(unit) || unit.endsWith("s")
      ? unit
      : unit.replace(/([^aeiou])y$/, "$1ie").replace(/(x|z|ch|sh)$/, "$1e") + "s";
  const quantity = (value, unit) => `${units(value)} ${noun(unit || "unit", value)}`;
  const PARTS = /^(.*?: )??((?:Tier \d+ \([^)]*\): |Included: |Free: )?[^:]*)$/s;
  const FIGURES = /(\d{4}-\d\d-\d\d)|((?:minimum|maximum|flat amount) of | at )?(-?\d+(?:\.\d+)?)( [A-Z]{3}\b)?( units?\b)?(?=( for )?)/g;
  const inWords = ({ description }, currency, unit) => {
    const [, label = "", words] = PARTS.exec(description) ?? [, "", description];
    const isBound = /^(Raised|Lowered)/.test(words);
    const text = words.replace(FIGURES, (_, date, price, figure, _currency, counted, share) => {
      if (date) return day(date, "UTC");
      if (price || (isBound && share)) return `${price ?? ""}${money(figure, currency)}`;
      return counted ? quantity(figure, unit) : units(figure);
    });
    return label.replace("rated again", "calculated again") + text;
  };
  const figures = (step, currency) => {
    const isPriced = / at -?\d|% of /.test(step.description);
    const isNote = !isPriced && !/flat amount|(rais|lower)ed to|^Less |rated again: /i.test(step.description) && isEqual(step.amount, "0") && isEqual(step.unit_amount, "0");
    return [isPriced || isNote ? units(step.units) : "", isNote ? "" : money(step.amount, currency)];
  };
  const day = (instant, zone) => new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeZone: zone }).format(new Date(instant));
  const period = (start, end, zone) => new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeZone: zone }).formatRange(new Date(start), new Date(Date.parse(end) - 1));

  /** Make an element; texts stay texts. */
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(key, value);
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  };
  const table = (caption, heads, rows) =>
    make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
      make("table", {},
        make("thead", {}, make("tr", {}, ...heads.map(([label, isNumber]) => make("th", { scope: "col", class: isNumber ? "number" : undefined }, label)))),
        make("tbody", {}, ...rows.map((cells) => make("tr", {}, ...cells.map((cell, index) => make("td", { class: heads[index][1] ? "number" : undefined }, cell)))))));

  class Failed extends Error {}
  class Missing extends Failed {}

  class FusionUsage extends HTMLElement {
    static observedAttributes = ["token"];

    constructor() {
      super();
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
    }

    connectedCallback() {
      this.show();
    }

    attributeChangedCallback() {
      if (this.isConnected) this.show();
    }

    /** The subscription's ID, which the token names. */
    get subscription() {
      const [, , , name = ""] = (this.getAttribute("token") ?? "").split(".");
      try {
        return atob(name.replaceAll("-", "+").replaceAll("_", "/"));
      } catch {
        return "";
      }
    }

    async read(rest) {
      const url = new URL(`subscriptions/${encodeURIComponent(this.subscription)}/${rest}`, BASE);
      let response;
      try {
        response = await fetch(url, { headers: { authorization: `Bearer ${this.getAttribute("token")}` }, credentials: "omit", cache: "no-store" });
      } catch {
        throw new Failed("There is no connection to the billing service.");
      }
      if (response.ok) return response.json();
      if (response.status === 401) throw new Failed("This link has expired. Open it again from where you received it.");
      if (response.status === 404) throw new Missing("There is nothing to show under this link.");
      throw new Failed("The billing service did not respond. Try again later.");
    }

    async show() {
      const root = this.shadowRoot;
      root.replaceChildren(make("p", { role: "status", class: "muted" }, "Loading …"));
      try {
        const usage = await this.read("usage");
        const statements = await this.read("statements?limit=24").catch(() => ({ items: [] }));
        const zone = usage.timezone;
        root.replaceChildren(
          make("h2", {}, period(usage.period_start, usage.period_end, zone)),
          ...usage.metrics.map((metric) => this.metric(usage, metric)),
          ...(usage.metrics.length ? [] : [make("p", {}, "Nothing was used yet.")]),
          statements.items.length ? this.statements(statements.items) : make("p", { class: "muted" }, "No period was invoiced yet."),
        );
      } catch (error) {
        const retry = make("button", { type: "button" }, "Retry");
        retry.addEventListener("click", () => this.show());
        root.replaceChildren(make("p", { role: "alert" }, error instanceof Failed ? error.message : "Something went wrong."), retry);
      }
    }

    metric(usage, metric) {
      const { currency } = metric;
      const included = Number(metric.included_units);
      const share = included > 0 ? Math.min(1, Number(metric.units) / included) : 0;
      const isOpen = usage.state === "open";
      return make("section", {},
        make("h3", {}, metric.name),
        make("p", { class: "amount" }, money(metric.amount, currency)),
        make("p", {}, `${quantity(metric.units, metric.unit)} used${included > 0 ? ` of ${units(metric.included_units)} included` : ""}.`),
        included > 0 ? meter(share, `${Math.round(share * 100)} % of the included units are used`) : null,
        isOpen && metric.projection.units !== null
          ? make("p", { class: "muted" }, `At this pace: about ${about(metric.projection.units)} ${noun(metric.unit ?? "unit")} and ${money(metric.projection.amount, currency)} at the end of the period.`)
          : null,
        (metric.days ?? []).length > 1 ? this.days(metric) : null,
        ...metric.charges.map((charge) => this.why(usage, { ...charge, name: named(charge, metric.charges) })));
    }

    days(metric) {
      const unit = noun(metric.unit ?? "unit");
      const rows = metric.days.map(({ date, units: used }) => [day(date, "UTC"), units(used)]);
      return make("div", {},
        bars(metric.days.map((each) => Number(each.units)), `${metric.name} by day: the table has the figures`),
        make("details", {}, make("summary", {}, "Days as a table"), table(`${metric.name} by day`, [["Day"], [unit, true]], rows)));
    }

    why(usage, charge) {
      const details = make("details", {}, make("summary", {}, `Why ${money(charge.amount, charge.currency)} for ${charge.name}?`));
      details.addEventListener("toggle", () => details.open && details.childElementCount === 1 && this.explain(details, usage, charge));
      return details;
    }

    async explain(details, usage, charge) {
      const place = make("div", { role: "status" }, "Loading …");
      details.append(place);
      try {
        const rating = await this.read(`ratings/${encodeURIComponent(charge.charge)}?period_start=${encodeURIComponent(usage.period_start)}`);
        const { currency, amount, unrounded_amount: exact } = rating;
        const isConverted = rating.price.versions?.some((version) => version.unit_conversion);
        const unit = isConverted ? undefined : rating.unit;
        const steps = rating.steps.map((step) => [inWords(step, currency, unit), ...figures(step, currency)]);
        const total = `Together ${isEqual(exact, amount) ? "" : `${money(exact, currency)}, rounded to `}${money(amount, currency)}.`;
        const growth = rating.history.map((entry) => [day(entry.rated_at, usage.timezone), units(entry.units), money(entry.amount, rating.currency)]);
        place.replaceChildren(...[
          table(`How ${charge.name} comes about`, [["Step"], ["Quantity", true], ["Amount", true]], steps),
          make("p", {}, total),
          isEqual(charge.amount, amount) ? null : make("p", {}, `With what was used after this was calculated, it comes to ${money(charge.amount, currency)}.`),
          make("p", {}, "How it grew:"),
          table(`How ${charge.name} grew`, [["Day"], ["Units", true], ["Amount", true]], growth),
        ].filter(Boolean));
      } catch (error) {
        const isKnown = error instanceof Failed && !(error instanceof Missing);
        place.replaceChildren(isKnown ? error.message : "Nothing was calculated yet: nothing was used, or the first calculation is still to come.");
      }
    }

    statements(items) {
      const rows = items.map((statement) => [
        period(statement.period_start, statement.period_end, statement.timezone),
        statement.lines.map((line) => `${named(line, statement.lines)}${line.corrects ? ` (adjusts ${day(line.corrects, statement.timezone)})` : ""}: ${units(line.units)}`).join(", "),
        money(statement.totals.invoiced, statement.currency),
      ]);
      return make("section", {}, make("h3", {}, "Invoiced periods"), table("Invoiced periods", [["Period"], ["Usage"], ["Invoiced", true]], rows));
    }
  }

  /** Return a charge's name, with its code where another one has that name too. */
  function named(charge, all) {
    const name = charge.charge_name ?? charge.name;
    return all.some((other) => (other.charge_name ?? other.name) === name && other.charge !== charge.charge) ? `${name} (${charge.charge})` : name;
  }

  /** Bars in a picture `width` by `height`: an SVG, whose attributes a content security policy lets be. */
  function picture(width, height, rectangles) {
    const drawn = (name, attributes) => {
      const element = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
      return element;
    };
    const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    svg.append(...rectangles.map((rectangle) => drawn("rect", rectangle)));
    return svg;
  }

  function meter(share, label) {
    return make("div", { class: "meter", role: "img", "aria-label": label }, picture(100, 1, [{ width: share * 100, height: 1 }]));
  }

  function bars(values, label) {
    const most = Math.max(...values, 0) || 1;
    const rectangles = values.map((value, index) => ({ x: index * 10 + 1, y: 100 - (100 * value) / most, width: 8, height: (100 * value) / most }));
    return make("div", { class: "bars", role: "img", "aria-label": label }, picture(values.length * 10, 100, rectangles));
  }

  if (!customElements.get("fusion-usage")) customElements.define("fusion-usage", FusionUsage);
})();
