// Elements, and nothing but text in them: whatever comes over the wire is put in as text, so it never becomes HTML.

// Makes an element: el('button', { class: 'x', onclick: f, 'aria-label': 'y' }, 'text', anotherElement, ...).
export function el(name, properties, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (key === 'value' || key === 'checked' || key === 'disabled') made[key] = value;
    else made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false));
  return made;
}

export function field(label, control) {
  return el('label', { class: 'field' }, el('span', {}, label), control);
}

export function choice(options, value, changed) {
  const made = el('select', { onchange: () => changed(made.value) },
    options.map(([key, text]) => el('option', { value: key }, text)));
  made.value = value;
  return made;
}

// Brings the reader to an element.
export function arriveAt(element) {
  element.scrollIntoView({ block: 'start' });
  element.focus({ preventScroll: true });
}

// Puts children into a place. What has the focus there keeps it, also where it is made anew: its id or its data say which one it is.
export function show(place, ...children) {
  const { activeElement } = document, isHere = activeElement !== place && place.contains(activeElement);
  place.replaceChildren(...children.flat(Infinity).filter(Boolean));
  if (isHere) again(place, activeElement)?.focus({ preventScroll: true });
}

function again(place, known) {
  if (place.contains(known)) return known;
  const names = [...known.attributes].filter(({ name }) => name === 'id' || name.startsWith('data-'));
  return names.length > 0 ? place.querySelector(names.map(({ name, value }) => `[${name}="${CSS.escape(value)}"]`).join('')) : null;
}
