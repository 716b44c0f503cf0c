// One unit (a request, a response, a frame) as it is shown: its bytes, its fields and their sentences, linked with each other; of a frame
// the RFC's diagram with its bits, its mask undone, its characters, and what it inflates to; of a response how Accept was made.

import { el, show } from '/lab/dom.js';
import { toBytes, printable, characters, bitsOf } from '/lab/bytes.js';
import { drawFrame } from '/lab/diagram.js';
import { t } from '/lab/words.js';

const bytesMax = 768, maskedMax = 48, codeDigits = 4;
let stripsMade = 0;

// The name of a unit in a list.
export function nameOf(unit) {
  if (unit.kind !== 'frame') return t(unit.kind);
  const opcode = parseInt(unit.bytes.slice(1, 2) || '0', 16);
  const known = [0, 1, 2, 8, 9, 10].includes(opcode);
  const name = known ? t(`frame${opcode}`) : t('frameX', opcode);
  const text = opcode === 1 || opcode === 0 ? new TextDecoder().decode(toBytes(unit.inflated ?? unit.payload ?? '')) : '';
  const said = text ? ` “${text.length > 24 ? `${text.slice(0, 24)}…` : text}”` : '';
  return `${name}${said}${unit.whole === false ? ` (${t('part')})` : ''}`;
}

// Puts a unit into a place. `note` is the field that is chosen first; `chosen` is told of each further one; `coming` are bytes, in
// hexadecimal, that follow and are not given yet.
export function showUnit(place, unit, { note = 0, chosen = () => {}, coming = '' } = {}) {
  const view = new UnitView(unit, chosen, coming);
  show(place, view.element);
  view.choose(Math.min(Math.max(note, 0), unit.annotations.length - 1), false);
  return view;
}

class UnitView {
  constructor(unit, chosen, coming) {
    this.unit = unit;
    this.bytes = toBytes(unit.bytes);
    this.chosen = chosen;
    this.id = `strip${++stripsMade}`;
    this.notes = unit.annotations.map(note => ({ ...note, from: (note.offset - unit.offset) * 8 + note.bit }));
    this.places = [];
    this.rows = this.notes.map((note, index) => this.#row(note, index));
    this.sentence = el('div', { class: 'sentence', 'aria-live': 'polite' });
    const isFrame = unit.kind === 'frame';
    this.diagram = isFrame && this.bytes.length > 0 ? drawFrame(this.bytes, this.notes, index => this.choose(index)) : null;
    this.element = el('article', { class: `unit ${unit.kind}` },
      el('h3', {}, `${t(unit.from)}: ${nameOf(unit)}`),
      el('div', { class: 'columns' },
        el('div', {},
          el('h4', {}, t('strip')), this.#strip(coming), el('p', { class: 'help' }, t('stripHelp')), this.sentence),
        el('div', {}, el('h4', {}, t('fields')), el('ol', { class: 'fields' }, this.rows))),
      this.diagram && [el('h4', {}, t('diagram')), this.diagram.element],
      this.#mask(), this.#characters(), this.#accept());
  }

  // A byte has one field or several: the first that begins in it, or else the one that goes on in it, is chosen with it.
  #noteAt(byte) {
    const begins = this.notes.findIndex(note => Math.floor(note.from / 8) === byte);
    return begins >= 0 ? begins : this.notes.findIndex(note => note.from <= byte * 8 && note.from + note.bits > byte * 8);
  }

  #strip(coming) {
    const shown = this.bytes.subarray(0, bytesMax);
    const isHead = this.unit.kind !== 'frame';
    this.places = [...shown].map((byte, at) => el('span', {
      class: 'byte', role: 'option', id: `${this.id}-${at}`, 'aria-selected': 'false', 'data-at': at,
      onmouseenter: () => this.#mark(this.#noteAt(at)),
      onclick: () => this.choose(this.#noteAt(at), true, at),
    }, el('b', {}, byte.toString(16).padStart(2, '0')), el('i', {}, printable(byte))));
    const rest = [...toBytes(coming)].map(byte => el('span', { class: 'byte coming', 'aria-hidden': 'true' },
      el('b', {}, byte.toString(16).padStart(2, '0')), el('i', {}, ' ')));
    return el('div', { class: isHead ? 'strip head' : 'strip' },
      el('div', {
        class: 'bytes', role: 'listbox', tabindex: 0, 'aria-label': t('strip'),
        onkeydown: event => this.#onKey(event), onmouseleave: () => this.#mark(this.note),
      }, this.places, rest),
      this.bytes.length > bytesMax && el('p', { class: 'help' }, t('more', this.bytes.length - bytesMax)));
  }

  #row(note, index) {
    const at = note.offset - this.unit.offset;
    const last = Math.floor((note.from + note.bits - 1) / 8);
    const end = note.bits > 1 ? `–${note.bit + note.bits - 1}` : '';
    const place = note.bits % 8 !== 0 ? `${at}.${note.bit}${end}` : last > at ? `${at}–${last}` : `${at}`;
    return el('li', {}, el('button', {
      type: 'button', class: note.rule ? 'note broken' : 'note', 'data-note': index,
      onclick: () => this.choose(index), onmouseenter: () => this.#mark(index), onmouseleave: () => this.#mark(this.note),
    }, el('span', { class: 'place' }, place), el('span', { class: 'name' }, note.name),
    el('span', { class: 'value' }, note.value)));
  }

  #onKey(event) {
    const byte = { ArrowLeft: this.at - 1, ArrowRight: this.at + 1, Home: 0, End: this.places.length - 1 }[event.key];
    const note = { ArrowUp: this.note - 1, ArrowDown: this.note + 1 }[event.key];
    if (byte === undefined && note === undefined) return;
    event.preventDefault();
    if (byte !== undefined) {
      const at = Math.min(Math.max(byte, 0), this.places.length - 1);
      this.choose(this.#noteAt(at), true, at);
    } else if (note >= 0 && note < this.notes.length) {
      this.choose(note);
    }
  }

  choose(index, tell = true, at = null) {
    if (index < 0 || !this.notes[index]) return;
    this.note = index;
    this.at = at ?? Math.floor(this.notes[index].from / 8);
    this.#mark(index);
    for (const place of this.places) place.setAttribute('aria-selected', place.dataset.at === String(this.at));
    if (this.places[this.at]) this.places[this.at].parentElement.setAttribute('aria-activedescendant', `${this.id}-${this.at}`);
    if (!tell) return;
    inView(this.rows[index]);
    if (this.places[this.at]) inView(this.places[this.at]);
    this.chosen(index);
  }

  // Shows which bytes, field and cell belong together, and says the sentence.
  #mark(index) {
    const note = this.notes[index];
    if (!note) return;
    const first = Math.floor(note.from / 8), last = Math.floor((note.from + note.bits - 1) / 8);
    this.places.forEach((place, at) => place.classList.toggle('chosen', at >= first && at <= last));
    this.rows.forEach((row, at) => {
      row.firstChild.classList.toggle('chosen', at === index);
      if (at === index) row.firstChild.setAttribute('aria-current', 'true');
      else row.firstChild.removeAttribute('aria-current');
    });
    this.diagram?.mark(index);
    show(this.sentence, el('p', { class: 'which' }, el('b', {}, note.name), ' ', el('span', { class: 'value' }, note.value)),
      el('p', {}, note.why), note.rule && rule(note.rule),
      el('p', { class: 'help' }, note.section, ' · ', t('source', note.source)));
  }

  // §5.3, one byte at a time.
  #mask() {
    const { payload, kind } = this.unit;
    const key = this.notes.find(note => note.id === 'frame.key');
    if (kind !== 'frame' || !key || !payload) return null;
    const plain = toBytes(payload).subarray(0, maskedMax), from = key.from / 8, start = from + 4;
    const cells = [...plain].map((byte, i) => el('li', { class: 'masked' },
      el('span', {}, bitsOf(this.bytes[start + i]), el('b', {}, hexOf(this.bytes[start + i]))),
      el('span', {}, bitsOf(this.bytes[from + i % 4]), el('b', {}, hexOf(this.bytes[from + i % 4]))),
      el('span', { class: 'plain' }, bitsOf(byte), el('b', {}, hexOf(byte)), el('i', {}, printable(byte)))));
    let done = 0;
    const undo = many => {
      done = Math.min(done + many, cells.length);
      cells.forEach((cell, i) => cell.classList.toggle('masked', i >= done));
      cells[Math.max(done - 1, 0)].scrollIntoView({ block: 'nearest', inline: 'nearest' });
    };
    return [el('h4', {}, t('mask')), el('p', { class: 'help' }, t('maskHelp')),
      el('div', { class: 'buttons' },
        el('button', { type: 'button', class: 'undo', onclick: () => undo(1) }, t('undoNext')),
        el('button', { type: 'button', onclick: () => undo(cells.length) }, t('all')),
        el('button', { type: 'button', onclick: () => { done = 0; undo(0); } }, t('again'))),
      el('ol', { class: 'masks', tabindex: 0, 'aria-label': t('mask') }, cells)];
  }

  // A text, what a compressed message inflates to, or the reason of a Close, which stands behind its code.
  #characters() {
    const { payload, inflated, kind } = this.unit;
    const opcode = (this.bytes[0] ?? 0) & 15, isClose = opcode === 8;
    const text = isClose ? payload?.slice(codeDigits) : payload;
    if (kind !== 'frame' || !text || (opcode > 1 && !isClose && !inflated)) return null;
    const list = hex => el('ol', { class: 'characters' }, characters(toBytes(hex).subarray(0, maskedMax * 2))
      .map(one => el('li', {}, el('b', {}, one.text === ' ' ? '␣' : one.text),
        el('span', {}, [...toBytes(hex).subarray(one.at, one.at + one.length)].map(hexOf).join(' ')))));
    if (inflated !== undefined) return [el('h4', {}, t('inflated')), list(inflated)];
    return [el('h4', {}, t(isClose ? 'reason' : 'text')), list(text)];
  }

  #accept() {
    const { accept } = this.unit;
    if (!accept) return null;
    return [el('h4', { id: 'accept', tabindex: -1 }, t('accept')), el('dl', { class: 'accept' },
      [['acceptKey', accept.key], ['acceptJoined', accept.joined], ['acceptHash', accept.sha1], ['acceptEnd', accept.accept]]
        .map(([id, value]) => [el('dt', {}, t(id)), el('dd', {}, value)])), el('p', {}, t('acceptWhy'))];
  }
}

// Scrolls the list, and not the page.
function inView(entry) {
  const list = entry.parentElement, top = entry.offsetTop - list.offsetTop;
  if (top < list.scrollTop || top + entry.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = top - list.clientHeight / 2;
}

const hexOf = byte => byte.toString(16).padStart(2, '0');

// What the server answers to who breaks a rule.
export const answer = ({ status, closeCode }) => status ? t('statusWith', status) : t('closeWith', closeCode);

// A broken rule in words.
export const rule = broken => el('p', { class: 'rule' }, `${t('broken', broken.name)} (${broken.section}, ${answer(broken)})`);
