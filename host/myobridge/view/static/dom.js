// Small helpers for the page's elements.

export const $ = (id) => document.getElementById(id);

// Sets a text only if it changes, to save layout and to keep screen readers quiet.
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Gives `list` an item for each name; `fill` builds the content of a new item.
export function items(list, names, fill) {
  if (list.dataset.names !== names.join("\n")) {
    list.dataset.names = names.join("\n");
    list.replaceChildren(...names.map((name) => {
      const item = document.createElement("li");
      fill(item, name);
      return item;
    }));
  }
  return [...list.children];
}

export function add(parent, tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return parent.appendChild(element);
}

// Says how current the page is.
export function connection(text, live = false) {
  write($("connection"), text);
  $("connection").classList.toggle("live", live);
}
