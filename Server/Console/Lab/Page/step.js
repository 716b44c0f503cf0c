// The second view: bytes given one at a time. After each it is shown what the protocol knows by then, and where its verdict falls.

import { el, show, field, choice } from '/lab/dom.js';
import { readHex, toBytes } from '/lab/bytes.js';
import { showUnit, rule } from '/lab/unit.js';
import { t, language } from '/lab/words.js';

export class Step {
  #timer;
  #asked = 0;

  constructor(lab) {
    this.lab = lab;
    this.hex = '818537fa213d7f9f4d5158';
    this.from = '';
    this.given = 1;
    this.note = null;
  }

  // Bytes from elsewhere: a unit of the own connection, or the address of the page.
  take({ bytes, from, note }) {
    Object.assign(this, { hex: bytes, from, given: toBytes(bytes).length, note });
  }

  element() {
    const input = el('textarea', { id: 'step-bytes', rows: 3, spellcheck: 'false', value: this.hex,
      oninput: () => this.#set(input.value) });
    this.position = el('input', { type: 'range', id: 'step-range', min: 0, 'aria-label': t('step'),
      oninput: () => this.#go(Number(this.position.value)) });
    this.count = el('output', { id: 'step-count' });
    this.verdict = el('div', { id: 'step-verdict', 'aria-live': 'polite' });
    this.detail = el('div', {});
    this.player = el('button', { type: 'button', onclick: () => this.#play() }, t('play'));
    return el('div', { class: 'step' },
      el('div', { class: 'buttons' }, field(t('hex'), input),
        field(t('from'), choice([['', t('fromAny')], ['client', t('fromClient')], ['server', t('fromServer')]], this.from,
          value => { this.from = value; this.refresh(); }))),
      el('div', { class: 'buttons' },
        el('button', { type: 'button', id: 'step-back', onclick: () => this.#go(this.given - 1) }, t('back')),
        el('button', { type: 'button', id: 'step-next', class: 'main', onclick: () => this.#go(this.given + 1) }, t('next')),
        this.player, this.position, this.count),
      el('h2', {}, t('knows')), this.verdict, this.detail);
  }

  shown() {
    this.refresh();
  }

  hidden() {
    this.#stop();
  }

  #set(text) {
    const hex = readHex(text);
    if (hex === null) return show(this.verdict, el('p', { class: 'rule' }, t('hexWrong')));
    [this.hex, this.note] = [hex, null];
    this.#go(Math.min(Math.max(this.given, 1), hex.length / 2));
  }

  #go(given) {
    this.given = Math.min(Math.max(given, 0), this.hex.length / 2);
    this.refresh();
  }

  #play() {
    if (this.#timer) return this.#stop();
    if (this.given >= this.hex.length / 2) this.given = 0;
    this.player.textContent = t('stop');
    this.#timer = setInterval(() => this.given < this.hex.length / 2 ? this.#go(this.given + 1) : this.#stop(), 700);
  }

  #stop() {
    clearInterval(this.#timer);
    this.#timer = null;
    this.player.textContent = t('play');
  }

  async refresh() {
    const total = this.hex.length / 2, asked = ++this.#asked, { given } = this;
    Object.assign(this.position, { max: total, value: given });
    this.count.textContent = t('given', given, total);
    const bytes = this.hex.slice(0, given * 2);
    const request = { do: 'explain', bytes, lang: language(), ...(this.from ? { from: this.from } : {}) };
    const explained = given > 0 ? (await this.lab.feed.ask(request)).explained : null;
    if (asked !== this.#asked) return;
    const unit = explained?.units.at(-1), broken = explained?.directions[0].rule;
    show(this.verdict, el('p', { class: broken ? 'rule' : 'fine' },
      broken ? t('failsAt', explained.directions[0].failedAt, broken.name) : unit ? t('goesOn') : t('nothingYet')), broken && rule(broken));
    if (!unit) return show(this.detail);
    showUnit(this.detail, unit, {
      note: this.note ?? unit.annotations.length - 1,
      coming: this.hex.slice(given * 2, given * 2 + 128),
      chosen: note => {
        this.note = note;
        this.lab.remember({ bytes: this.hex, from: unit.from, note });
      },
    });
  }
}
