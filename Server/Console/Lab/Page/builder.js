// The third view: frames by hand, also ones that no browser sends, and each rule with an example that breaks it. What is sent goes to the
// server as bytes, through memory into a real connection of it.

import { el, show, field, choice, arriveAt } from '/lab/dom.js';
import { toHex } from '/lab/bytes.js';
import { contextOf } from '/lab/context.js';
import { makeFrame, readPieces } from '/lab/frame.js';
import { nameOf, showUnit, rule, answer } from '/lab/unit.js';
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
    this.detail = el('div', {});
    this.page = el('div', { id: 'page' });
    this.list = el('ul', { class: 'rules' });
  }

  element() {
    const { frame } = this;
    const check = name => el('label', { class: 'check' }, el('input', { type: 'checkbox', checked: frame[name],
      onchange: event => { frame[name] = event.target.checked; this.#showFrame(); } }),
      name === 'fin' ? t('finBit') : name.toUpperCase().replace('MASKED', 'MASK'));
    const input = (name, size) => el('input', { value: frame[name], size, spellcheck: 'false', autocomplete: 'off', id: `frame-${name}`,
      oninput: event => { frame[name] = event.target.value; this.#showFrame(); } });
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
            field(t('maskKey'), input('key', 8)),
            field(t('lengthForm'), choice([['auto', t('lengthAuto')], ['7', t('bits7')], ['16', t('bits16')], ['64', t('bits64')]],
              frame.form, value => { frame.form = value; this.#showFrame(); })),
            field(t('lengthSaid'), input('said', 6)),
            field(t('payloadText'), input('text', 16)), field(t('payloadHex'), input('hex', 16))),
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
            el('button', { type: 'button', onclick: () => this.#clear() }, t('clear')))),
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
      // What somebody has written stays there.
      if (this.chosen && !this.wanted) await this.#choose(this.chosen, Boolean(this.pieces && !this.example.name));
    }

    const { wanted } = this;
    this.wanted = null;
    if (wanted) this.#run(() => this.#arrive(wanted));
  }

  async #arrive(name) {
    const isThere = this.rules.some(one => one.name.toLowerCase() === name.toLowerCase()) || /^[1-4]\d{3}$/.test(name);
    if (!isThere) throw new Error(t('noSuchRule', name));
    await this.#choose(name);
    this.list.querySelector('.chosen')?.scrollIntoView({ block: 'nearest' });
    arriveAt(this.page.querySelector('h3'));
  }

  // The list may be so long that what is chosen in it is out of sight.
  async #showPage(name) {
    await this.#choose(name);
    this.page.scrollIntoView({ block: 'nearest' });
  }

  // A place in this view: a rule or a close code.
  visit(name) {
    this.wanted = name && name !== this.chosen ? name : null;
  }

  places() {
    return this.chosen ? [this.chosen] : [];
  }

  #showFrame() {
    const bytes = makeFrame(this.frame);
    this.made.textContent = bytes ? toHex(bytes).replace(/(..)/g, '$1 ').trim() : t('hexWrong');
  }

  // What somebody has changed is no example any more. It is compressed as before.
  take(pieces) {
    this.pieces = pieces;
    this.example = { ...nothing, deflate: this.example.deflate };
  }

  #add() {
    const bytes = makeFrame(this.frame);
    if (!bytes) return;
    this.take(this.pieces);
    this.#set(`${this.pieces}${this.pieces && !this.pieces.endsWith('\n') ? '\n' : ''}${toHex(bytes)}`, this.handshake);
  }

  #set(pieces, handshake) {
    [this.pieces, this.handshake] = [pieces, handshake];
    this.sent.value = pieces;
    this.first.checked = handshake;
  }

  #clear() {
    this.example = nothing;
    this.#set('', true);
    show(this.result);
    show(this.detail);
  }

  #showRules() {
    const words = this.filter.toLowerCase().split(/\s+/);
    const found = (this.rules ?? []).filter(one => {
      const text = `${one.name} ${one.what} ${kindOf(one)}`.toLowerCase();
      return words.every(word => text.includes(word));
    });
    show(this.list, found.map(one => el('li', {},
      el('button', { type: 'button', 'data-rule': one.name, class: one.name === this.chosen ? 'chosen' : '', title: one.what,
        onclick: () => this.#run(() => this.#showPage(one.name)) },
      el('b', {}, one.name), ' ', el('small', {}, kindOf(one))))),
    this.rules && found.length === 0 && el('li', { class: 'help' }, t('noneFound', this.filter.trim())));
  }

  // A rule's page, and its example as what would be sent; or the page alone.
  async #choose(rule, isPageOnly = false) {
    const { page } = await this.lab.feed.ask({ do: 'page', name: rule, lang: language() }), name = this.chosen = page.page;
    this.lab.place('builder', name);
    this.#showRules();
    show(this.page, el('article', { class: 'page' }, el('h3', { tabindex: -1 }, page.page), page.rule && el('p', { class: 'help' },
      `${page.rule.section} · ${answer(page.rule)}`), el('p', {}, page.what),
      el('h4', {}, t('why')), el('p', {}, page.why), el('h4', {}, t('doIt')), el('p', {}, page.do)));
    if (isPageOnly) return;
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
    const units = conversation.units;
    const entries = units.map((unit, index) => el('li', {}, el('button', { type: 'button', class: unit.from, onclick: () => choose(index) },
      el('span', { class: 'way' }, unit.from === 'client' ? '→' : '←'), ` ${nameOf(unit)}`)));
    const choose = index => {
      const note = units[index].annotations.findIndex(one => one.rule);
      entries.forEach((entry, at) => entry.firstChild.classList.toggle('chosen', at === index));
      showUnit(this.detail, units[index], { note: Math.max(note, 0),
        chosen: place => this.lab.remember({ bytes: units[index].bytes, from: units[index].from, note: place,
          context: this.#contextOf(conversation, units[index]) }) });
    };
    const verdict = found && found.name === broken ? rule(found)
      : el('p', { class: broken ? 'rule' : 'fine' }, broken ? t('broken', broken) : fine);
    verdict.dataset.verdict = broken ?? 'none';
    show(this.result, verdict, this.example.isDecline && el('p', {}, t('declined')),
      raw && el('p', {}, t('cameBack', end, code)), el('ol', { class: 'units' }, entries));
    show(this.detail);
    const first = units.findIndex(unit => unit.annotations.some(note => note.rule));
    if (units.length > 0) choose(first >= 0 ? first : units.length - 1);
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

// A rule's code and section.
const kindOf = ({ name, rule }) => rule ? `${rule.closeCode ?? rule.status} · ${rule.section}` : /^\d/.test(name) ? t('closeCode') : '';

const opcodeName = code => `${code} ${[0, 1, 2, 8, 9, 10].includes(code) ? t(`frame${code}`) : ''}`.trim();
