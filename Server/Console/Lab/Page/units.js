// A list of units: what went over the wire, one behind the other, each a button. It is changed where it stands, so that what has the focus
// keeps it, and a click is not lost. A long one is folded: its first and last units are seen, and a button unfolds the others.

import { el } from '/lab/dom.js';
import { nameOf } from '/lab/unit.js';
import { t } from '/lab/words.js';

const shownMax = 16, firstShown = 3, lastShown = 9;

export class UnitList {
  #entries = []; // of each unit
  #chosen = -1;
  #isUnfolded = false;

  // `choose` is told of the unit that is chosen, by its place; `isSized` says each one's length.
  constructor({ id = null, choose, isSized = false }) {
    Object.assign(this, { choose, isSized });
    this.element = el('ol', { class: 'units', id });
    this.fold = el('button', { type: 'button', class: 'fold', onclick: () => this.#toggle() });
    this.more = el('li', {}, this.fold);
    this.left = el('li', { class: 'help' });
  }

  // Shows units, of which others are left out: behind the last one, or where there is a gap.
  show(units, leftOut = 0) {
    if (units.length <= shownMax) this.#isUnfolded = false;
    units.forEach((unit, index) => this.#put(unit, index));
    for (const gone of this.#entries.splice(units.length)) gone.entry.remove();
    this.#foldAll();
    this.left.remove();
    if (leftOut === 0) return;
    const gap = units.findIndex((unit, index) => index > 0 && isBehindGap(units[index - 1], unit));
    this.left.textContent = t('leftOut', leftOut);
    this.element.insertBefore(this.left, this.#entries[gap]?.entry ?? null);
  }

  // One that is chosen where it is folded away is unfolded with the others.
  mark(index) {
    const isNew = index !== this.#chosen;
    this.#chosen = index;
    this.#entries.forEach(({ button }, at) => {
      button.classList.toggle('chosen', at === index);
      if (at === index) button.setAttribute('aria-current', 'true');
      else button.removeAttribute('aria-current');
    });
    if (isNew && this.#entries[index]?.entry.hidden) this.#toggle();
  }

  #put(unit, index) {
    if (!this.#entries[index]) {
      const button = el('button', { type: 'button', 'data-unit': index, onclick: () => this.choose(index) });
      this.#entries.push({ button, entry: el('li', {}, button), said: '' });
      this.element.append(this.#entries[index].entry);
    }

    const place = this.#entries[index], size = this.isSized ? t('bytesUnit', unit.length) : '';
    const kind = unit.annotations.some(note => note.rule) ? `${unit.from} broken` : unit.from;
    const said = `${kind} ${nameOf(unit)} ${size}`;
    if (place.said === said) return;
    place.said = said;
    place.button.className = index === this.#chosen ? `${kind} chosen` : kind;
    place.button.replaceChildren(el('span', { class: 'way' }, unit.from === 'client' ? '→' : '←'), ` ${nameOf(unit)}`,
      ...(size ? [' ', el('small', {}, size)] : []));
  }

  #toggle() {
    this.#isUnfolded = !this.#isUnfolded;
    this.#foldAll();
  }

  #foldAll() {
    const last = this.#entries.length - lastShown, isLong = this.#entries.length > shownMax;
    this.#entries.forEach(({ entry }, index) => {
      entry.hidden = isLong && !this.#isUnfolded && index >= firstShown && index < last;
    });
    if (!isLong) return this.more.remove();
    const behind = this.#entries[firstShown].entry;
    if (behind.previousSibling !== this.more) this.element.insertBefore(this.more, behind);
    this.fold.textContent = this.#isUnfolded ? t('foldAgain') : t('moreUnits', last - firstShown);
    this.fold.setAttribute('aria-expanded', String(this.#isUnfolded));
  }
}

// Of one sender the bytes follow one another.
const isBehindGap = (before, unit) => before.from === unit.from && unit.offset > before.offset + before.length;
