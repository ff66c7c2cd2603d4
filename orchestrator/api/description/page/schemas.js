// Schemas for people: what a field is called, what it may be, what it means.

import { el, prose } from "./elements.js";

const BOUNDS = [
  ["minimum", "≥ "], ["exclusiveMinimum", "> "], ["maximum", "≤ "], ["exclusiveMaximum", "< "],
  ["minLength", "length ≥ "], ["maxLength", "length ≤ "], ["minItems", "items ≥ "], ["maxItems", "items ≤ "],
  ["maxProperties", "entries ≤ "], ["multipleOf", "multiple of "],
];

/** Reads the schemas of one description. */
export class Schemas {
  constructor(components, required = "always there") {
    this.components = components;
    this.required = required;
  }

  /** Return the same schemas, to be read by someone who has to fill them in. */
  toFillIn() {
    return new Schemas(this.components, "needed");
  }

  /** Return what a reference leads to, under what stands beside it. */
  resolve(schema) {
    if (!schema?.$ref) return schema ?? {};
    const { $ref, ...beside } = schema;
    return { ...this.resolve(this.components.schemas[$ref.split("/").pop()]), ...beside };
  }

  /** Return a schema without "or null", and whether null was allowed. */
  withoutNull(schema) {
    const found = this.resolve(schema);
    const choices = (found.anyOf ?? []).filter((choice) => choice.type !== "null");
    if (!found.anyOf || choices.length !== 1) return [found, false];
    const { anyOf, ...beside } = found;
    return [{ ...this.resolve(choices[0]), ...beside }, choices.length < anyOf.length];
  }

  /** Return a line such as "integer, ≥ 1, ≤ 120, default 24". */
  summary(schema) {
    const [found, nullable] = this.withoutNull(schema);
    const bounds = BOUNDS.filter(([name]) => name in found).map(([name, sign]) => sign + found[name]);
    const shown = found.default != null && typeof found.default !== "object";
    return [
      this.typeName(found) + (nullable ? " or null" : ""),
      ...bounds,
      ...(shown ? [`default ${JSON.stringify(found.default)}`] : []),
    ].join(", ");
  }

  typeName(schema) {
    if ("const" in schema) return JSON.stringify(schema.const);
    if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
    if (schema.type === "array") return `list of ${this.typeName(this.withoutNull(schema.items)[0])}`;
    if (schema.format === "date-time") return "date and time";
    if (schema.format === "media-input") return "media input";
    return schema.type ?? (schema.oneOf || schema.anyOf ? "one of several" : "anything");
  }

  /** Return elements that show a schema's fields, with what lies within them folded. */
  fields(schema, above = []) {
    const [found] = this.withoutNull(schema);
    const choices = found.oneOf?.filter((choice) => choice.$ref) ?? [];
    const several = choices.length ? choices : found.anyOf?.filter((choice) => choice.$ref) ?? [];
    if (several.length) return several.map((choice) => this.part(choice.$ref.split("/").pop(), choice, above, several.length === 1));
    if (found.type === "array") return this.fields(found.items, above);
    if (!found.properties && typeof found.additionalProperties === "object") {
      return this.fields(found.additionalProperties, above);
    }
    const rows = Object.entries(found.properties ?? {}).map(([name, field]) => this.row(name, field, found, above));
    return rows.length ? [el("ul", { class: "fields" }, rows)] : [];
  }

  row(name, field, parent, above) {
    const [found] = this.withoutNull(field);
    const needed = parent.required?.includes(name);
    const below = above.length < 6 && !above.includes(field) ? this.fields(field, [...above, field]) : [];
    return el(
      "li", {},
      el("code", {}, name), " ",
      el("span", { class: "type" }, this.summary(field) + (needed ? `, ${this.required}` : "")),
      found.description ? el("p", {}, prose(found.description)) : null,
      below.length ? el("details", { class: "part" }, el("summary", {}, `within ${name}`), below) : null,
    );
  }

  part(name, schema, above, open) {
    return el("details", { class: "part", open }, el("summary", {}, name), this.fields(schema, above));
  }
}
