// The third view: frames by hand, also ones that no browser sends, and each rule with an example that breaks it. What is sent goes to the
// server as bytes, through memory into a real connection of it.

import { el, show, field, choice, arriveAt } from '/lab/dom.js';
import { toHex } from '/lab/bytes.js';
import { contextOf } from '/lab/context.js';
import { makeFrame, problemOf, readPieces } from '/lab/frame.js';
import { showUnit, rule, answer } from '/lab/unit.js';
import { UnitList } from '/lab/units.js';
import { t, language } from '/lab/words.js';

export class Builder {
  constructor(lab) {
    this.lab = lab;
    this.frame = { fin: true, rsv1: false, rsv2: false, rsv3: false, opcode: 1, masked: true, key: '37fa213d', form: 'auto', said: '',
      text: 'Hello', hex: '' };
    this.pieces = '';
    this.handshake = true;
    this.end = 'fin';
    this.example = nothing; // what is explained or sent
    this.filter = '';
    this.wanted = null; // the rule that the address names
    this.result = el('div', { id: 'result', 'aria-live': 'polite' });
    this.conversation = null; // what came of it
    this.units = new UnitList({ choose: index => this.#showUnit(index) });
    this.detail = el('div', {});
    this.page = el('div', { id: 'page' });
    this.list = el('ul', { class: 'rules' });
  }

  element() {
    const { frame } = this;
    const check = name => el('label', { class: 'check' }, el('input', { type: 'checkbox', id: `frame-${name}`, checked: frame[name],
      onchange: event => { frame[name] = event.target.checked; this.#showFrame(); } }),
      name === 'fin' ? t('finBit') : name.toUpperCase().replace('MASKED', 'MASK'));
    const input = (name, size) => el('input', { value: frame[name], size, spellcheck: 'false', autocomplete: 'off', id: `frame-${name}`,
      oninput: event => { frame[name] = event.target.value; this.#showFrame(); } });
    this.fields = { key: input('key', 8), said: input('said', 6), text: input('text', 16), hex: input('hex', 16) };
    this.made = el('output', { class: 'made', id: 'made' });
    this.sent = el('textarea', { id: 'pieces', rows: 5, spellcheck: 'false', value: this.pieces,
      oninput: () => this.take(this.sent.value) });
    this.first = el('input', { type: 'checkbox', id: 'handshake', checked: this.handshake,
      onchange: () => { this.handshake = this.first.checked; } });
    const element = el('div', { class: 'builder' },
      el('div', { class: 'columns' },
        el('section', {}, el('h2', {}, t('frame')),
          el('div', { class: 'buttons' }, ['fin', 'rsv1', 'rsv2', 'rsv3', 'masked'].map(check)),
          el('div', { class: 'buttons' },
            field(t('opcode'), choice(Array.from({ length: 16 }, (_, code) => [`${code}`, opcodeName(code)]), `${frame.opcode}`,
              value => { frame.opcode = Number(value); this.#showFrame(); })),
            field(t('maskKey'), this.fields.key),
            field(t('lengthForm'), choice([['auto', t('lengthAuto')], ['7', t('bits7')], ['16', t('bits16')], ['64', t('bits64')]],
              frame.form, value => { frame.form = value; this.#showFrame(); })),
            field(t('lengthSaid'), this.fields.said),
            field(t('payloadText'), this.fields.text), field(t('payloadHex'), this.fields.hex)),
          this.made,
          el('button', { type: 'button', id: 'add-frame', onclick: () => this.#add() }, t('addFrame')),
          field(t('toSend'), this.sent),
          el('div', { class: 'buttons' },
            el('label', { class: 'check' }, this.first, t('withHandshake')),
            field(t('ending'), choice([['fin', t('endFin')], ['stay', t('endStay')], ['rst', t('endRst')]], this.end,
              value => { this.end = value; }))),
          el('div', { class: 'buttons' },
            el('button', { type: 'button', id: 'explain', onclick: () => this.#run(() => this.#explain()) }, t('explain')),
            el('button', { type: 'button', id: 'try', class: 'main', onclick: () => this.#run(() => this.#try()) }, t('tryIt')),
            el('button', { type: 'button', id: 'clear', onclick: () => this.#clearAll() }, t('clear')))),
        el('section', {}, el('h2', {}, t('gallery')),
          field(t('filterRules'), el('input', { value: this.filter, id: 'filter', autocomplete: 'off',
            oninput: event => { this.filter = event.target.value; this.#showRules(); } })),
          this.list, el('p', { class: 'help' }, t('ruleHelp')))),
      this.page, el('h2', {}, t('verdict')), this.result, this.detail);
    this.#showFrame();
    return element;
  }

  async shown() {
    const lang = language();
    if (this.lang !== lang) {
      this.rules = (await this.lab.feed.ask({ do: 'rules', lang })).rules;
      this.lang = lang;
      this.#showRules();
      if (this.chosen && !this.wanted) await this.#choose(this.chosen);
    }

    const { wanted } = this;
    this.wanted = null;
    if (wanted) this.#run(() => this.#arrive(wanted));
  }

  async #arrive(name) {
    const isThere = this.rules.some(one => one.name.toLowerCase() === name.toLowerCase()) || /^[1-4]\d{3}$/.test(name);
    if (!isThere) {
      this.#leave(false);
      throw new Error(t('noSuchRule', name));
    }

    if (name.toLowerCase() !== this.chosen?.toLowerCase()) await this.#choose(name);
    this.lab.settle('builder', this.chosen);
    this.list.querySelector('.chosen')?.scrollIntoView({ block: 'nearest' });
    arriveAt(this.page.querySelector('h3'));
  }

  // The list may be so long that what is chosen in it is out of sight.
  async #showPage(name) {
    await this.#choose(name);
    this.lab.place('builder', this.chosen);
    this.page.scrollIntoView({ block: 'nearest' });
  }

  // A place in this view: a rule or a close code.
  visit(name) {
    this.wanted = name || null;
    return true; // what is no rule is said when the rules are known
  }

  // Bytes that the address names, if they are among those that are shown.
  reach({ bytes, from, note }) {
    const index = this.conversation?.units.findIndex(unit => unit.bytes === bytes && unit.from === from) ?? -1;
    if (index >= 0) this.#showUnit(index, note);
    return index >= 0;
  }

  places() {
    return this.chosen ? [this.chosen] : [];
  }

  #showFrame() {
    const problem = problemOf(this.frame);
    this.made.textContent = problem?.text ?? toHex(makeFrame(this.frame)).replace(/(..)/g, '$1 ').trim();
    this.made.classList.toggle('rule', problem !== null);
    for (const [name, input] of Object.entries(this.fields)) input.setAttribute('aria-invalid', String(name === problem?.field));
  }

  // What somebody has changed is no example any more. It is compressed as before.
  take(pieces) {
    this.pieces = pieces;
    this.example = { ...nothing, deflate: this.example.deflate };
    this.#leave();
  }

  #add() {
    if (problemOf(this.frame)) return;
    this.take(this.pieces);
    this.#set(`${this.pieces}${this.pieces && !this.pieces.endsWith('\n') ? '\n' : ''}${toHex(makeFrame(this.frame))}`, this.handshake);
  }

  // What was said of a rule and its example is not about what is sent now.
  #leave(isAddressLeft = true) {
    if (!this.chosen) return;
    [this.chosen, this.conversation] = [null, null];
    for (const place of [this.page, this.result, this.detail]) show(place);
    this.#showRules();
    if (isAddressLeft) this.lab.settle('builder');
  }

  #set(pieces, handshake) {
    [this.pieces, this.handshake] = [pieces, handshake];
    this.sent.value = pieces;
    this.first.checked = handshake;
  }

  #clearAll() {
    this.#clear();
    this.#leave();
    this.lab.settle('builder');
  }

  #clear() {
    [this.example, this.conversation] = [nothing, null];
    this.#set('', true);
    show(this.result);
    show(this.detail);
  }

  #showRules() {
    const words = plain(this.filter).split(/\s+/), has = (...texts) => words.every(word => plain(texts.join(' ')).includes(word));
    const isNear = one => has(one.name, one.what, kindOf(one)); // those whose page alone has it come behind
    const all = (this.rules ?? []).filter(one => has(one.name, one.what, one.why, one.do, kindOf(one)));
    const found = [...all.filter(isNear), ...all.filter(one => !isNear(one))];
    show(this.list, found.map(one => el('li', {},
      el('button', { type: 'button', 'data-rule': one.name, class: one.name === this.chosen ? 'chosen' : '', title: one.what,
        onclick: () => this.#run(() => this.#showPage(one.name)) },
      el('b', {}, one.name), ' ', el('small', {}, kindOf(one))))),
    this.rules && found.length === 0 && el('li', { class: 'help' }, t('noneFound', this.filter.trim())));
  }

  // A rule's page, and its example as what would be sent.
  async #choose(rule) {
    const { page } = await this.lab.feed.ask({ do: 'page', name: rule, lang: language() }), name = this.chosen = page.page;
    this.#showRules();
    show(this.page, el('article', { class: 'page' }, el('h3', { tabindex: -1 }, page.page), page.rule && el('p', { class: 'help' },
      `${page.rule.section} · ${answer(page.rule)}`), el('p', {}, page.what),
      el('h4', {}, t('why')), el('p', {}, page.why), el('h4', {}, t('doIt')), el('p', {}, page.do)));
    this.#clear();
    if (!page.example) return;
    // A code's example is what a server sends: it is explained, and not sent to one.
    if (/^\d/.test(name)) return this.#showUnits(page.explained, null, t('codeExample', name));
    const { options } = page, { hello } = this.lab.feed;
    const deflate = options.includes('--deflate'), isOnlyExplained = options.includes('--from server') ? 'onlyServer'
      : options.includes('--endpoint') ? 'onlyEndpoints' : options.includes('--max-fragments') ? 'onlyFewer'
        : deflate && !hello.compression ? 'onlyCompressed' : null;
    this.example = { name, deflate, isDecline: !page.rule, isOnlyExplained };
    // Lines of 32 bytes, or of more where there would be too many. An example that is a request comes without a valid one before it.
    const digits = Math.max(64, 2 * Math.ceil(page.example.length / 100));
    const lines = page.example.match(new RegExp(`.{1,${digits}}`, 'g'));
    this.#set(lines.join('\n'), page.rule?.closeCode !== undefined);
    this.#showUnits(page.explained, null);
  }

  async #explain() {
    const chunks = readPieces(this.pieces);
    const bytes = chunks.map(chunk => chunk.bytes).join('');
    const { name, deflate } = this.example, as = name ? { as: name } : { from: 'client', ...(deflate ? { deflate } : {}) };
    const { explained } = await this.lab.feed.ask({ do: 'explain', bytes, ...as, lang: language() });
    this.#showUnits(explained, null);
  }

  async #try() {
    const { deflate, isOnlyExplained } = this.example;
    if (isOnlyExplained) {
      await this.#explain();
      return this.result.prepend(el('p', {}, t(isOnlyExplained)));
    }
    const chunks = readPieces(this.pieces);
    const { raw } = await this.lab.feed.ask({ do: 'raw', chunks, handshake: this.handshake, end: this.end, lang: language(),
      ...(deflate ? { offer: 'permessage-deflate' } : {}),
      ...(this.end === 'stay' ? { wait: 1000 } : {}) });
    this.#showUnits(raw.conversation, raw);
  }

  #showUnits(conversation, raw, fine = t('verdictOk')) {
    const found = conversation.directions.find(direction => direction.rule)?.rule, broken = raw ? raw.rule : found?.name;
    const code = raw?.status ? t('withStatus', raw.status) : raw?.code ? t('withCode', raw.code) : '';
    const end = { open: t('endOpen'), none: t('endNone'), FIN: t('cameFin'), RST: t('cameRst') }[raw?.end] ?? raw?.end;
    const { units } = this.conversation = conversation;
    this.units.show(units, conversation.unitsLeftOut);
    const verdict = found && found.name === broken ? rule(found)
      : el('p', { class: broken ? 'rule' : 'fine' }, broken ? t('broken', broken) : fine);
    verdict.dataset.verdict = broken ?? 'none';
    show(this.result, verdict, this.example.isDecline && el('p', {}, t('declined')),
      raw && el('p', {}, t('cameBack', end, code)), this.units.element);
    show(this.detail);
    const first = units.findIndex(unit => unit.annotations.some(note => note.rule));
    if (units.length > 0) this.#showUnit(first >= 0 ? first : units.length - 1);
  }

  // While a rule's example is shown, the address names the rule.
  #showUnit(index, note = null) {
    const { conversation } = this, unit = conversation.units[index];
    this.units.mark(index);
    showUnit(this.detail, unit, { note: note ?? Math.max(unit.annotations.findIndex(one => one.rule), 0), chosen: place => {
      if (this.chosen) return this.lab.settle('builder', this.chosen);
      this.lab.remember({ bytes: unit.bytes, from: unit.from, note: place, context: this.#contextOf(conversation, unit) });
    } });
  }

  // What an example is judged with besides cannot stand in an address.
  #contextOf(conversation, unit) {
    const context = contextOf(conversation, unit, this.example.deflate ? 'takeover' : '');
    return ['onlyEndpoints', 'onlyFewer'].includes(this.example.isOnlyExplained) ? { ...context, before: null } : context;
  }

  #run(work) {
    work().catch(error => show(this.result, el('p', { class: 'rule' }, error.message)));
  }
}

const nothing = { name: null, deflate: false, isDecline: false, isOnlyExplained: null };

// What is looked for, and where: “UTF-8” is found as “utf8” too.
const plain = text => text.toLowerCase().replaceAll('-', '').trim();

// A rule's code and section.
const kindOf = ({ name, rule }) => rule ? `${rule.closeCode ?? rule.status} · ${rule.section}` : /^\d/.test(name) ? t('closeCode') : '';

const opcodeName = code => `${code} ${[0, 1, 2, 8, 9, 10].includes(code) ? t(`frame${code}`) : ''}`.trim();
