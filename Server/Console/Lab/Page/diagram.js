// The RFC's picture of a frame (§5.2), filled with this frame's bits: 32 columns, bit 0 first.

import { el } from '/lab/dom.js';

const rowBits = 32, payloadRows = 3;

export function drawFrame(bytes, notes, choose) {
  const cells = [];
  const payload = notes.find(note => note.field === 'payload');
  const headerBits = payload ? payload.from : bytes.length * 8;
  const rows = Math.min(Math.ceil(bytes.length * 8 / rowBits), Math.ceil(headerBits / rowBits) + payloadRows);
  const grid = el('div', { class: 'diagram', 'aria-hidden': 'true' },
    Array.from({ length: rowBits }, (_, bit) => el('span', { class: 'ruler' }, `${bit % 10}`)));
  for (let row = 0; row < rows; row++) {
    const from = row * rowBits, to = Math.min(from + rowBits, bytes.length * 8);
    notes.forEach((note, index) => {
      const begin = Math.max(from, note.from), end = Math.min(to, note.from + note.bits);
      if (begin >= end) return;
      const cell = el('span', { class: note.rule ? 'cell broken' : 'cell', onclick: () => choose(index) },
        el('b', {}, nameIn(note.field, end - begin)),
        el('span', { class: 'bits' }, Array.from({ length: end - begin }, (_, i) => el('i', {}, bitAt(bytes, begin + i)))));
      cell.style.gridColumn = `${begin - from + 1} / span ${end - begin}`;
      if (end - begin === 1) cell.classList.add('narrow');
      cells.push({ cell, index });
      grid.append(cell);
    });
  }
  return {
    element: el('div', { class: 'scroll' }, grid),
    mark: chosen => cells.forEach(({ cell, index }) => cell.classList.toggle('chosen', index === chosen)),
  };
}

const bitAt = (bytes, bit) => `${(bytes[bit >> 3] >> (7 - (bit & 7))) & 1}`;

const nameIn = (field, bits) => bits === 1 ? field : bits < 8 ? { 'payload length': 'len' }[field] ?? field : field;
