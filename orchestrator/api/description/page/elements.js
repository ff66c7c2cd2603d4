// Elements, made without ever reading text as markup.

/** Return an element; properties starting with "on" are listeners, `class` and the rest are attributes. */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.flat(Infinity).filter((child) => child != null && child !== ""));
  return made;
}

/** Return `text` as nodes, with `code` where it stands between backticks. */
export function prose(text) {
  return text.split("`").map((part, n) => (n % 2 ? el("code", {}, part) : part));
}

/** Return paragraphs of `text`, which are separated by empty lines. */
export function paragraphs(text, properties = {}) {
  return text.trim().split(/\n\s*\n/).map((part) => el("p", properties, prose(part)));
}
