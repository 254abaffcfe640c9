// Small helpers for the page's elements.

export const $ = (id) => document.getElementById(id);

// Sets a text only when it changes, so that nothing is laid out or read aloud again without need.
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Makes `list` have an item for each name; `fill` builds the inside of a new item.
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

