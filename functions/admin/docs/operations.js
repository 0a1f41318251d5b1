// Renders operations: what each does, takes and responds, with an example as a curl command.

import { code, json, make, marked, prose } from "./dom.js";
import { body, parameters } from "./schemas.js";

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

const contentOf = (content) => Object.entries(content ?? {})[0] ?? [null, null];

// Returns the curl command of an operation with its examples; the key is taken from the environment.
const curl = (base, path, method, operation) => {
  const values = (place, all) => operation.parameters.filter((each) => each.in === place && (all || each.required));
  const filled = values("path", true).reduce(
    (text, each) => text.replace(`{${each.name}}`, encodeURIComponent(each.example ?? each.name)), path);
  const query = values("query", false).map((each) => `${each.name}=${encodeURIComponent(each.example)}`).join("&");
  const lines = [`curl -X ${method.toUpperCase()} ${quoted(base + filled + (query ? `?${query}` : ""))}`];
  if (operation.security.length) lines.push('-H "Authorization: Bearer $FUSION_KEY"');
  const [media, content] = contentOf(operation.requestBody?.content);
  if (media) lines.push(`-H 'Content-Type: ${media}'`, `-d ${quoted(json(content.example ?? {}))}`);
  return lines.join(" \\\n  ");
};

const access = (operation) => {
  const scopes = operation.security.flatMap((each) => each.key ?? []);
  const portal = operation.security.some((each) => each.portal);
  return make("p", {}, make("strong", {}, "Access: "),
    scopes.length ? ["API key with the scope ", make("code", {}, scopes[0]), portal ? ", or a portal token" : ""] : "open to everyone");
};

const response = (status, described) => {
  const [media, content] = contentOf(described.content);
  return make("details", { class: "response" },
    make("summary", {}, make("code", {}, status), " ", described.description.split(/[.\n]/)[0]),
    prose(described.description.split("\n\n").slice(1).join("\n\n")),
    media ? make("p", {}, "Media type ", make("code", {}, Object.keys(described.content).join(", "))) : "",
    content ? body(content.schema) : "",
    content?.example === undefined ? "" : code(`Example of ${status}`, json(content.example)));
};

export const section = (base, path, method, operation) => {
  const id = operation.operationId;
  const [media, content] = contentOf(operation.requestBody?.content);
  return make("section", { id, class: "card", "aria-labelledby": `${id}-title`, tabindex: "-1" },
    make("h3", { id: `${id}-title` }, make("a", { href: `#${id}` }, operation.summary)),
    make("p", { class: "address" }, make("span", { class: `method ${method}` }, method.toUpperCase()), " ", make("code", {}, path)),
    prose(operation.description.split("\n\n").slice(1).join("\n\n")), access(operation),
    operation.parameters.length ? [make("h4", {}, "Parameters"), parameters(operation.parameters)] : "",
    media ? [make("h4", {}, operation.requestBody.required ? "Request body" : "Request body (optional)"), body(content.schema)] : "",
    make("h4", {}, "Example"), code(`Request ${id}`, curl(base, path, method, operation)),
    make("h4", {}, "Responses"), Object.entries(operation.responses).map(([status, each]) => response(status, each)));
};

export const webhook = (name, described) => {
  const [, content] = contentOf(described.post.requestBody.content);
  return make("section", { id: `webhook-${name}`, class: "card", "aria-labelledby": `webhook-${name}-title`, tabindex: "-1" },
    make("h3", { id: `webhook-${name}-title` }, make("a", { href: `#webhook-${name}` }, name)),
    make("p", {}, marked(described.post.description ?? described.post.summary)), body(content.schema),
    content.example === undefined ? "" : code(`Example of ${name}`, json(content.example)));
};
