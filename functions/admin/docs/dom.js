// Makes elements. Text is only ever set as text, so nothing of the document can become markup.

export const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
};

// Returns text with its `code` marked, as an array for `make`.
export const marked = (text) =>
  (text ?? "").split(/(`[^`]+`)/).map((part) => (/^`.+`$/.test(part) ? make("code", {}, part.slice(1, -1)) : part));

// Returns paragraphs and lists of a description, whose lists have lines that begin with "- ".
export const prose = (text) =>
  (text ?? "").split(/\n\n+/).map((block) =>
    block.startsWith("- ")
      ? make("ul", {}, block.split(/\n?- /).filter(Boolean).map((line) => make("li", {}, marked(line))))
      : make("p", {}, marked(block)));

// Returns a block of code with a button that copies it.
export const code = (label, text) => {
  const status = make("span", { role: "status", class: "muted" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      status.textContent = "Copied";
    } catch {
      status.textContent = "Select the text to copy it";
    }
  };
  return make("figure", {},
    make("figcaption", {}, label, " ", make("button", { type: "button", onclick: copy }, "Copy", make("span", { class: "hidden" }, ` ${label}`)), " ", status),
    make("pre", { tabindex: "0", role: "region", "aria-label": label }, text));
};

export const json = (value) => JSON.stringify(value, null, 2);
