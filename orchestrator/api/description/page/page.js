// The page: reads openapi.json from beside itself and shows it.

import { el, paragraphs } from "./elements.js";
import { routeSection } from "./route.js";
import { Schemas } from "./schemas.js";

const KEPT = "revela-api-key"; // in sessionStorage alone: gone with the tab
const byId = (id) => document.getElementById(id);
const keyField = byId("key");
const keyOf = () => keyField.value.trim();

async function main() {
  const answer = await fetch("openapi.json");
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  const description = await answer.json();
  const schemas = new Schemas(description.components);
  const routes = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, told]) => ({ path, method, told })));
  byId("version").textContent = description.info.version;
  byId("content").replaceChildren(
    el("h1", {}, `${description.info.title} API`),
    el("div", { class: "lead" }, paragraphs(description.info.description), el("p", {}, el("a", { href: "openapi.json" }, "openapi.json"), ` (OpenAPI ${description.openapi})`)),
    ...description.tags.map((tag) => group(tag, routes, schemas)),
  );
  byId("routes").replaceChildren(...description.tags.map((tag) => navigation(tag, routes)));
  byId("filter").addEventListener("input", filterRoutes);
  rememberKey("/v1/key" in description.paths);
  addEventListener("hashchange", openNamed);
  openNamed();
}

function group(tag, routes, schemas) {
  const own = routes.filter((route) => route.told.tags.includes(tag.name));
  return el(
    "section", { class: "group", "aria-labelledby": `group-${tag.name}` },
    el("h2", { id: `group-${tag.name}` }, tag.name), el("p", {}, tag.description),
    own.map((route) => routeSection(route, schemas, keyOf)),
  );
}

function navigation(tag, routes) {
  const own = routes.filter((route) => route.told.tags.includes(tag.name));
  const links = own.map((route) =>
    el("li", { "data-text": `${route.method} ${route.path} ${route.told.summary}`.toLowerCase() },
      el("a", { href: `#${route.told.operationId}`, title: `${route.method.toUpperCase()} ${route.path}`, onclick: openNamed }, route.told.summary)));
  return el("div", {}, el("h2", {}, tag.name), el("ul", {}, links));
}

function filterRoutes() {
  const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of document.querySelectorAll("nav li")) item.hidden = !words.every((word) => item.dataset.text.includes(word));
  for (const part of byId("routes").children) part.hidden = !part.querySelector("li:not([hidden])");
}

/** Open the route that the address names; a link clicked twice has no new address. */
function openNamed(event) {
  const name = event?.currentTarget?.hash || location.hash;
  const section = name && byId(decodeURIComponent(name.slice(1)));
  if (section?.tagName !== "DETAILS") return;
  section.open = true;
  requestAnimationFrame(() => { section.scrollIntoView(); section.querySelector("summary").focus({ preventScroll: true }); });
}

function rememberKey(canAsk) {
  const look = () => {
    sessionStorage.setItem(KEPT, keyOf());
    if (canAsk) tellWho();
  };
  keyField.value = sessionStorage.getItem(KEPT) ?? "";
  keyField.addEventListener("change", look);
  byId("key-form").addEventListener("submit", (event) => { event.preventDefault(); look(); });
  byId("show-key").addEventListener("click", (event) => {
    const shown = keyField.type === "password";
    keyField.type = shown ? "text" : "password";
    event.currentTarget.setAttribute("aria-pressed", shown);
    event.currentTarget.textContent = shown ? "Hide" : "Show";
  });
  if (keyOf()) look();
}

async function tellWho() {
  const who = byId("who");
  const tell = (text, kind) => { who.textContent = text; who.className = kind; };
  if (!keyOf()) return tell("", "");
  try {
    const answer = await fetch("v1/key", { headers: { "X-API-Key": keyOf() }, cache: "no-store" });
    const told = await answer.json();
    if (answer.ok) tell(`${told.tenant}: ${told.scopes.join(", ")}`, "good");
    else tell(told.detail, "bad");
  } catch (failed) {
    tell(`No answer: ${failed.message}`, "bad");
  }
}

main().catch((failed) => {
  byId("content").replaceChildren(el("p", { class: "bad", role: "alert" }, `The description can't be shown: ${failed.message}.`));
});
