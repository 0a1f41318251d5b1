// Renders JSON schemas: one row for each property, those of inner objects on request.

import { json, make, marked } from "./dom.js";

const PREFIX = "#/components/schemas/";

export const nameOf = (schema) => (schema?.$ref ? schema.$ref.slice(PREFIX.length) : null);

const link = (name) => make("a", { href: `#schema-${name}` }, name);

const joined = (parts, separator) => parts.flatMap((part, index) => (index ? [separator, part] : [part]));

// Returns a schema's type in words, with links to the schemas that it names.
export const typeOf = (schema) => {
  if (schema.$ref) return [link(nameOf(schema))];
  if ("const" in schema) return [make("code", {}, JSON.stringify(schema.const))];
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return joined(options.map(typeOf), " or ").flat();
  if (schema.allOf) return joined(schema.allOf.map(typeOf), " and ").flat();
  const types = [schema.type ?? "any"].flat();
  if (types.includes("array")) return ["array of ", ...typeOf(schema.items ?? {}), ...(types.includes("null") ? [" or null"] : [])];
  return [types.join(" or ") + (schema.format ? ` (${schema.format})` : "")];
};

const BOUNDS = [["minimum", "at least"], ["maximum", "at most"], ["exclusiveMinimum", "more than"], ["minLength", "characters, at least"],
  ["maxLength", "characters, at most"], ["minItems", "entries, at least"], ["maxItems", "entries, at most"], ["default", "default"]];

const limits = (schema) => {
  const found = BOUNDS.filter(([key]) => key in schema).map(([key, words]) => `${words} ${JSON.stringify(schema[key])}`);
  const parts = found.length ? [found.join(", ")] : [];
  if (schema.enum) parts.push(["one of ", joined(schema.enum.map((value) => make("code", {}, String(value))), ", ")]);
  if (schema.pattern) parts.push(["matches ", make("code", {}, schema.pattern)]);
  return parts.map((part) => make("span", { class: "limit" }, part));
};

// Returns the schema with properties that is within another: an array's items, the one option that is no null.
const inner = (schema) => {
  if (schema.properties) return schema;
  if (schema.items) return inner(schema.items);
  const options = (schema.anyOf ?? schema.oneOf ?? []).filter((option) => option.type !== "null");
  return options.length === 1 ? inner(options[0]) : null;
};

const example = (schema) => {
  const value = schema.examples?.[0];
  return value === undefined || typeof value === "object" ? "" : make("span", { class: "limit" }, "such as ", make("code", {}, JSON.stringify(value)));
};

const row = (name, schema, required) => {
  const below = inner(schema);
  return make("li", {},
    make("p", {}, make("code", { class: "name" }, name), " ", make("span", { class: "type" }, typeOf(schema)),
      required ? make("span", { class: "required" }, " required") : "", schema.deprecated ? make("span", { class: "required" }, " deprecated") : ""),
    make("p", {}, marked(schema.description)),
    make("p", { class: "limits" }, limits(schema), example(schema)),
    below ? make("details", {}, make("summary", {}, `Fields of ${name}`), properties(below)) : "");
};

const properties = (schema) =>
  make("ul", { class: "properties" }, Object.entries(schema.properties ?? {}).map(([name, each]) =>
    row(name, each, (schema.required ?? []).includes(name))));

// Returns what describes a whole schema.
export const body = (schema) => {
  if (schema.$ref) return make("p", {}, link(nameOf(schema)));
  const parts = schema.allOf ?? (schema.properties ? [schema] : []);
  if (!parts.length) return make("p", {}, typeOf(schema), " ", limits(schema));
  return parts.map((part) => (part.$ref ? make("p", {}, "All fields of ", link(nameOf(part)), ", and:") : properties(part)));
};

export const section = (name, schema) =>
  make("section", { id: `schema-${name}`, class: "card", "aria-labelledby": `schema-${name}-title`, tabindex: "-1" },
    make("h3", { id: `schema-${name}-title` }, make("a", { href: `#schema-${name}` }, name)),
    make("p", {}, marked(schema.description)), body(schema),
    schema.examples ? make("details", {}, make("summary", {}, `Example of ${name}`), make("pre", { tabindex: "0", role: "region", "aria-label": `Example of ${name}` }, json(schema.examples[0]))) : "");

export const parameters = (list) =>
  make("ul", { class: "properties" }, list.map((each) =>
    row(each.name, { ...each.schema, description: each.description, examples: each.example === undefined ? undefined : [each.example] }, each.required)));
