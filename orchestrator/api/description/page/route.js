// One route: what it takes, what it answers, and a form to try it.

import { el, paragraphs, prose } from "./elements.js";
import { address, curl, send } from "./request.js";

/** Return the folded section of a route; what lies in it is made when it is first opened. */
export function routeSection(route, schemas, keyOf) {
  const head = el(
    "summary", {},
    el("h3", {},
      el("span", { class: `method ${route.method}` }, route.method.toUpperCase()),
      el("span", { class: "path" }, route.path),
      el("span", { class: "about" }, route.told.summary)),
  );
  const section = el("details", { class: "route", id: route.told.operationId }, head);
  section.addEventListener("toggle", () => {
    if (section.open && section.childElementCount === 1) section.append(inside(route, schemas, keyOf));
  });
  return section;
}

function inside(route, schemas, keyOf) {
  return el(
    "div", { class: "inside" },
    el("div", { class: "whole" }, paragraphs(route.told.description ?? ""), scopeLine(route.told)),
    el("div", {}, tryForm(route, schemas, keyOf)),
    el("div", {}, bodyFields(route.told, schemas), answers(route.told, schemas)),
  );
}

function scopeLine(told) {
  const scopes = [...new Set((told.security ?? []).flatMap((way) => Object.values(way).flat()))];
  if (!told.security?.length) return el("p", { class: "scope" }, "Open to everyone.");
  const ways = told.security.some((way) => !Object.keys(way).length) ? ", or a token" : "";
  return el("p", { class: "scope" }, "Needs a key", scopes.length ? [" with the scope ", el("code", {}, scopes.join(", "))] : "", ways, ".");
}

function tryForm(route, schemas, keyOf) {
  const inputs = new Map();
  const fields = (route.told.parameters ?? []).map((parameter) => field(route, parameter, schemas, inputs));
  const body = bodyEditor(route, schemas);
  const line = el("pre", { tabindex: "0", "aria-label": "The same as a curl line" });
  const result = el("div", { class: "result", role: "status", hidden: true });
  const go = el("button", { class: "go", type: "submit" }, "Send");
  const stop = el("button", { type: "button", disabled: true }, "Stop");
  const copy = el("button", { type: "button", onclick: () => copyText(line.textContent, copy) }, "Copy curl");
  const asked = () => address(route, (parameter) => inputs.get(parameter).value.trim());
  const keyed = route.told.security?.length > 0;
  const draw = () => { line.textContent = curl(route, asked(), body.text(), keyed); };
  let running;
  stop.addEventListener("click", () => running?.abort());
  const form = el("form", {
    oninput: draw,
    onsubmit: async (event) => {
      event.preventDefault();
      running = new AbortController();
      [go.disabled, stop.disabled, result.hidden] = [true, false, false];
      await send(route, asked(), body.text(), keyed ? keyOf() : "", result, running.signal);
      [go.disabled, stop.disabled] = [false, true];
    },
  }, fields.length ? el("h4", {}, "Parameters") : null, fields, body.element, el("div", { class: "act" }, go, stop, copy), line, result);
  form.addEventListener("drawn", draw);
  draw();
  return form;
}

function field(route, parameter, schemas, inputs) {
  const id = `${route.told.operationId}-${parameter.in}-${parameter.name}`;
  const input = inputFor(parameter, schemas, id);
  inputs.set(parameter, input);
  const place = parameter.in === "query" ? "" : parameter.in === "path" ? " in the path" : " header";
  const needed = parameter.required ? el("span", { class: "needed" }, " needed") : el("span", { class: "quiet" }, place);
  return el(
    "div", { class: "field" },
    el("label", { for: id }, parameter.name, needed),
    input,
    el("span", { class: "hint", id: `${id}-hint` }, prose(parameter.description ?? ""), parameter.description ? " · " : "", schemas.summary(parameter.schema)),
  );
}

function inputFor(parameter, schemas, id) {
  const [schema] = schemas.withoutNull(parameter.schema);
  const properties = { id, "aria-describedby": `${id}-hint`, required: parameter.required };
  const choices = schema.enum ?? (schema.type === "boolean" ? ["true", "false"] : null);
  if (choices) {
    return el("select", properties, parameter.required ? [] : el("option", { value: "" }, "—"), choices.map((value) => el("option", {}, String(value))));
  }
  const example = parameter.example ?? schema.examples?.[0] ?? "";
  return el("input", { ...properties, placeholder: String(example), spellcheck: "false", autocomplete: "off" });
}

function bodyEditor(route, schemas) {
  const content = route.told.requestBody?.content["application/json"];
  if (!content) return { element: "", text: () => "" };
  const id = `${route.told.operationId}-body`;
  const examples = Object.entries(content.examples ?? { example: { summary: "Example", value: content.example } });
  const text = el("textarea", { id, spellcheck: "false", required: true });
  const choose = el("select", { id: `${id}-example` }, examples.map(([name, { summary }]) => el("option", { value: name }, summary ?? name)));
  const fill = () => {
    text.value = JSON.stringify(Object.fromEntries(examples)[choose.value].value, null, 2);
    text.rows = Math.min(24, text.value.split("\n").length + 1);
    text.form?.dispatchEvent(new Event("drawn"));
  };
  choose.addEventListener("change", fill);
  fill();
  const head = el("div", { class: "body-head" }, el("label", { for: choose.id, class: "quiet" }, "Start from"), choose);
  return { element: el("div", {}, el("h4", {}, el("label", { for: id }, "Body")), head, text), text: () => text.value.trim() };
}

function bodyFields(told, schemas) {
  const content = told.requestBody?.content["application/json"];
  return content ? [el("h4", {}, "Fields of the body"), schemas.toFillIn().fields(content.schema)] : [];
}

function answers(told, schemas) {
  const rows = Object.entries(told.responses).map(([status, answer]) => {
    const good = status < "400";
    const contents = Object.entries(answer.content ?? {}).map(([type, content]) => contentPart(type, content, schemas));
    return el(
      "details", { class: "answer" },
      el("summary", {}, el("strong", { class: good ? "good" : "bad" }, status), " ", prose(answer.description)),
      headerFields(answer.headers ?? {}), contents,
    );
  });
  return [el("h4", {}, "Answers"), rows];
}

function headerFields(headers) {
  const rows = Object.entries(headers).map(([name, header]) => el("li", {}, el("code", {}, name), " ", el("span", { class: "type" }, prose(header.description))));
  return rows.length ? el("details", { class: "part" }, el("summary", {}, "Headers"), el("ul", { class: "fields" }, rows)) : null;
}

function contentPart(type, content, schemas) {
  const named = content.examples ?? ("example" in content ? { [type]: { value: content.example } } : {});
  const examples = Object.entries(named).map(([name, example]) => {
    const value = example.$ref ? schemas.components.examples[example.$ref.split("/").pop()].value : example.value;
    const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
    return el("details", { class: "part" }, el("summary", {}, "Example ", el("code", {}, name)), el("pre", { tabindex: "0" }, text));
  });
  const fields = content.schema ? schemas.fields(content.schema) : [];
  const shape = fields.length ? el("details", { class: "part" }, el("summary", {}, "Fields"), fields) : null;
  return el("div", {}, el("code", { class: "quiet" }, type), shape, examples);
}

async function copyText(text, button) {
  await navigator.clipboard.writeText(text);
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy curl"; }, 1500);
}
