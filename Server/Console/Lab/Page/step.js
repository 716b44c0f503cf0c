// The second view: bytes given one at a time. After each it is shown what the protocol knows by then, and where its verdict falls. What
// stands before them in their message, and whether compression was agreed on, makes a difference: it is said, and can be taken away.

import { el, show, field, choice } from '/lab/dom.js';
import { readHex, toBytes } from '/lab/bytes.js';
import { asked } from '/lab/context.js';
import { showUnit, rule } from '/lab/unit.js';
import { t, language } from '/lab/words.js';

const alone = { before: '', deflate: '' };

export class Step {
  #timer;
  #asked = 0;

  constructor(lab) {
    this.lab = lab;
    this.hex = '818537fa213d7f9f4d5158';
    this.from = '';
    this.given = 1;
    this.note = null;
    this.context = alone;
  }

  // Bytes from elsewhere: a unit of the own connection, or the address of the page.
  take({ bytes, from, note, context = alone }) {
    Object.assign(this, { hex: bytes, from, given: toBytes(bytes).length, note, context });
  }

  element() {
    const input = el('textarea', { id: 'step-bytes', rows: 3, spellcheck: 'false', value: this.hex,
      oninput: () => this.#set(input.value) });
    this.position = el('input', { type: 'range', id: 'step-range', min: 0, 'aria-label': t('step'),
      oninput: () => this.#go(Number(this.position.value)) });
    this.count = el('output', { id: 'step-count' });
    this.verdict = el('div', { id: 'step-verdict', 'aria-live': 'polite' });
    this.detail = el('div', {});
    this.before = el('p', { class: 'help', id: 'step-before' });
    this.player = el('button', { type: 'button', onclick: () => this.#play() }, t('play'));
    this.#showContext();
    return el('div', { class: 'step' },
      el('div', { class: 'buttons' }, field(t('hex'), input),
        field(t('from'), choice([['', t('fromAny')], ['client', t('fromClient')], ['server', t('fromServer')]], this.from,
          value => { this.from = value; this.refresh(); })),
        field(t('compression'), choice(['', 'alone', 'takeover'].map(kind => [kind, t('deflates', kind)]), this.context.deflate,
          deflate => { this.context = { ...this.context, deflate }; this.refresh(); }))),
      this.before,
      el('div', { class: 'buttons' },
        el('button', { type: 'button', id: 'step-back', onclick: () => this.#go(this.given - 1) }, t('back')),
        el('button', { type: 'button', id: 'step-next', class: 'main', onclick: () => this.#go(this.given + 1) }, t('next')),
        this.player, this.position, this.count),
      el('h2', {}, t('knows')), this.verdict, this.detail);
  }

  shown() {
    return this.refresh();
  }

  hidden() {
    this.#stop();
  }

  // Bytes that have been read before those that are given.
  #showContext() {
    const length = this.context.before.length / 2;
    show(this.before, length > 0 && [t('before', length), ' ',
      el('button', { type: 'button', id: 'step-forget', onclick: () => {
        this.context = { ...this.context, before: '' };
        this.#showContext();
        this.refresh();
      } }, t('forget'))]);
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

  refresh() {
    return this.#refresh().catch(error => this.lab.say(error.message));
  }

  async #refresh() {
    const total = this.hex.length / 2, number = ++this.#asked, { given, context } = this, skipped = context.before.length / 2;
    Object.assign(this.position, { max: total, value: given });
    this.count.textContent = t('given', given, total);
    const bytes = this.hex.slice(0, given * 2);
    const request = { ...asked(context, bytes), lang: language(), ...(this.from ? { from: this.from } : {}) };
    const explained = given > 0 ? (await this.lab.feed.ask(request)).explained : null;
    if (number !== this.#asked) return;
    const unit = explained?.units.filter(one => one.offset >= skipped).at(-1);
    const { rule: broken, failedAt, malformedAt, state } = explained?.directions[0] ?? {};
    const nothing = explained?.unitsLeftOut > 0 ? 'tooManyBefore' : 'nothingYet';
    const said = malformedAt !== undefined ? t('malformed', malformedAt + 1) : !broken ? t(unit ? 'goesOn' : nothing)
      : failedAt > skipped ? t('failsAt', failedAt - skipped, broken.name) : t('failsBefore', broken.name);
    show(this.verdict, el('p', { class: broken || malformedAt !== undefined ? 'rule' : 'fine' }, said), broken && rule(broken),
      state && el('ul', { id: 'step-known' }, known(state).map(line => el('li', {}, line))));
    if (!unit) return show(this.detail);
    showUnit(this.detail, unit, {
      note: this.note ?? unit.annotations.length - 1,
      coming: this.hex.slice(given * 2, given * 2 + 128),
      chosen: note => {
        this.note = note;
        this.lab.remember({ bytes: this.hex, from: unit.from, note, context });
      },
    });
  }
}

// What the protocol knows, a sentence each: the message, the frame, and the closing handshake.
function known({ message, messageBytes, frame, headerBytesLeft, payloadBytesLeft, closing }) {
  if (closing === 'failed') return [t('knownFailed')];
  if (closing === 'closeReceived' || closing === 'closed') return [t('knownClosed')];
  const lines = [message ? t('knownMessage', t('knownKinds', message), messageBytes) : t('knownNoMessage')];
  if (frame === null) return [...lines, t('knownNoFrame')];
  const name = t('knownFrames', frame);
  if (headerBytesLeft === null) lines.push(t('knownHeaderBegun', name));
  else lines.push(headerBytesLeft > 0 ? t('knownHeader', name, headerBytesLeft) : t('knownHeaderWhole', name));
  lines.push(payloadBytesLeft === null ? t('knownNoLength') : t('knownPayload', payloadBytesLeft));
  return lines;
}
