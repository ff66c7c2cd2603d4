// One request: from a form's values to what is sent, to a curl line, and to what came back.

import { el } from "./elements.js";

const KEPT_TEXT = 200_000; // characters of an answer that are shown
const METHODS_WITHOUT_BODY = ["get", "head"];

/** Return {url, path, headers} for a route's parameters; `values` holds what was typed, by place and name. */
export function address(route, values) {
  let path = route.path;
  const query = new URLSearchParams();
  const headers = {};
  for (const parameter of route.told.parameters ?? []) {
    const value = values(parameter);
    if (value === "") continue;
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else if (parameter.in === "header") headers[parameter.name] = value;
    else for (const one of parameter.schema.type === "array" ? value.split("\n") : [value]) query.append(parameter.name, one);
  }
  const asked = query.size ? `${path}?${query}` : path;
  return { url: new URL(asked.slice(1), new URL(".", document.baseURI)).href, headers };
}

/** Return the same request as a line for a shell; the key stays out of it. */
export function curl(route, { url, headers }, body, keyed) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const parts = ["curl -i", ...(route.method === "get" ? [] : [`-X ${route.method.toUpperCase()}`]), quoted(url.replaceAll("%7B", "{").replaceAll("%7D", "}"))];
  if (keyed) parts.push(`-H "X-API-Key: $REVELA_API_KEY"`);
  for (const [name, value] of Object.entries(headers)) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (body) parts.push(`-H 'Content-Type: application/json'`, `-d ${quoted(body)}`);
  return parts.join(" \\\n  ");
}

/** Send a request and show in `place` what comes back, piece by piece if it comes so. */
export async function send(route, { url, headers }, body, key, place, signal) {
  const started = performance.now();
  place.replaceChildren(el("p", { class: "status" }, "Sending…"));
  try {
    const answer = await fetch(url, {
      method: route.method.toUpperCase(),
      headers: { ...headers, ...(key ? { "X-API-Key": key } : {}), ...(body ? { "Content-Type": "application/json" } : {}) },
      body: body && !METHODS_WITHOUT_BODY.includes(route.method) ? body : undefined,
      cache: "no-store",
      signal,
    });
    const took = `${Math.round(performance.now() - started)} ms`;
    place.replaceChildren(
      el("p", { class: `status ${answer.ok ? "good" : "bad"}` }, `${answer.status} ${answer.statusText}`, el("span", { class: "quiet" }, ` in ${took}`)),
      el("details", {}, el("summary", {}, "Headers"), headerTable(answer.headers)),
    );
    await showBody(answer, place);
  } catch (failed) {
    const said = failed.name === "AbortError" ? "Stopped." : `No answer: ${failed.message}`;
    place.append(el("p", { class: "status bad" }, said));
  }
}

function headerTable(headers) {
  const rows = [...headers].map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value)));
  return el("table", {}, el("tbody", {}, rows));
}

async function showBody(answer, place) {
  const type = (answer.headers.get("content-type") ?? "").split(";")[0];
  if (type === "text/event-stream") return showStream(answer, place);
  if (/json$|^text\//.test(type)) return showText(await answer.text(), /json$/.test(type), place);
  const file = await answer.blob();
  if (!file.size) return place.append(el("p", { class: "quiet" }, "No body."));
  const link = URL.createObjectURL(file);
  const name = new URL(answer.url).pathname.split("/").pop() || "answer";
  if (type.startsWith("video/")) place.append(el("video", { src: link, controls: true }));
  if (type.startsWith("image/")) place.append(el("img", { src: link, alt: "The file that came" }));
  place.append(el("p", {}, el("a", { href: link, download: name }, `Save ${name}`), ` (${file.size.toLocaleString("en")} bytes)`));
}

function showText(text, isJson, place) {
  if (!text) return place.append(el("p", { class: "quiet" }, "No body."));
  let shown = text;
  try {
    if (isJson) shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch { /* shown as it came */ }
  const cut = shown.length > KEPT_TEXT;
  place.append(el("pre", { tabindex: "0", "aria-label": "Body" }, linked(cut ? shown.slice(0, KEPT_TEXT) : shown)));
  if (cut) place.append(el("p", { class: "quiet" }, `The rest of ${shown.length.toLocaleString("en")} characters is left out.`));
}

/** Return text with its addresses as links. */
function linked(text) {
  return text.split(/(https?:\/\/[^\s"'<>\\]+)/).map((part, n) =>
    n % 2 ? el("a", { href: part, target: "_blank", rel: "noreferrer" }, part) : part);
}

async function showStream(answer, place) {
  const shown = el("pre", { tabindex: "0", "aria-label": "Events" });
  place.append(shown);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    shown.append(value.replaceAll("\r\n", "\n"));
    shown.scrollTop = shown.scrollHeight;
  }
  place.append(el("p", { class: "quiet" }, "The stream has ended."));
}
