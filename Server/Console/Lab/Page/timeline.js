// The fourth view: what happens, in its order, both directions, a lane for each connection. A frame can be chosen and is explained.
// Messages that only say that somebody is there are folded, so that they do not flood what happens.

import { el, show, field, choice } from '/lab/dom.js';
import { asked } from '/lab/context.js';
import { showUnit } from '/lab/unit.js';
import { t, language } from '/lab/words.js';

const kinds = {
  everything: () => true,
  onlyData: row => row.opcode < 8,
  onlyControl: row => row.opcode >= 8,
  onlyInside: row => ['phaseChanged', 'queue', 'tcpEnded'].includes(row.kind),
};

export class Timeline {
  #pending = false;
  #unfolded = new WeakSet(); // the first rows of runs of keep-alives that the reader has unfolded

  constructor(lab) {
    this.lab = lab;
    this.kind = 'everything';
    this.lane = '';
    this.rows = null; // those that are held still
    this.body = el('tbody', {});
    this.left = el('p', { class: 'help' });
    this.title = el('h2', { hidden: true });
    this.detail = el('div', {});
    lab.watched.changed.add(() => this.#later());
  }

  element() {
    this.title.textContent = t('chosenRow');
    this.lanes = el('span', {});
    const pause = el('button', { type: 'button', id: 'pause', 'aria-pressed': String(this.rows !== null), onclick: () => {
      this.rows = this.rows ? null : [...this.lab.watched.rows];
      pause.textContent = this.rows ? t('goOn') : t('pause');
      pause.setAttribute('aria-pressed', String(this.rows !== null));
      this.#show();
    } }, this.rows ? t('goOn') : t('pause'));
    return el('div', { class: 'timeline' },
      el('div', { class: 'buttons' }, pause,
        field(t('filter'), choice(Object.keys(kinds).map(kind => [kind, t(kind)]), this.kind, kind => { this.kind = kind; this.#show(); })),
        this.lanes),
      this.lab.feed.hello?.router && el('p', { class: 'help' }, t('keepAlivesHelp')),
      el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': t('timeline') }, el('table', {},
        el('thead', {}, el('tr', {}, ['time', 'lane', 'direction', 'what'].map(name => el('th', { scope: 'col' }, t(name))))), this.body)),
      this.left, this.title, this.detail);
  }

  shown() {
    this.#show();
  }

  // Bytes that the address names, if they are those that are explained.
  reach({ bytes, from }) {
    return this.explained?.bytes === bytes && this.explained.from === from;
  }

  // At most one drawing for each picture of the screen.
  #later() {
    if (this.#pending || !this.body.isConnected || this.rows) return;
    this.#pending = true;
    requestAnimationFrame(() => {
      this.#pending = false;
      this.#show();
    });
  }

  #show() {
    const { watched } = this.lab;
    const ids = [...watched.connections.keys()].map(String);
    if (!ids.includes(this.lane)) this.lane = '';
    this.#showLanes(ids);
    const rows = (this.rows ?? watched.rows).filter(row => kinds[this.kind](row) && (!this.lane || String(row.connection) === this.lane));
    const first = rows[0]?.at ?? 0;
    const lane = row => `lane${ids.indexOf(String(row.connection)) % 4}`;
    show(this.body, this.#fold(rows).map(row => el('tr', { class: `${row.from || 'inner'} ${lane(row)}` },
      el('td', {}, `+${((row.at - first) / 1000).toFixed(3)}`),
      el('td', {}, [...new Set((row.run ?? [row]).map(one => `#${one.connection}`))].join(' ')),
      el('td', { class: 'way', 'aria-label': row.from ? t(row.from) : '' }, { client: '→', server: '←' }[row.from] ?? '·'),
      el('td', {}, this.#what(row)))));
    if (rows.length === 0) show(this.body, el('tr', {}, el('td', { colspan: 4 }, t('emptyTimeline'))));
    this.left.textContent = watched.left > 0 ? t('leftOut', watched.left) : '';
  }

  // Made anew only if there are others, so that who has it open can choose.
  #showLanes(ids) {
    const known = ids.join();
    if (this.lanes.dataset.known === known) return;
    this.lanes.dataset.known = known;
    const lanes = choice([['', t('allLanes')], ...ids.map(id => [id, `#${id}`])], this.lane, lane => { this.lane = lane; this.#show(); });
    lanes.id = 'lane';
    show(this.lanes, field(t('lane'), lanes));
  }

  // Keep-alives that follow one another are one row, with its run, until it is unfolded.
  #fold(rows) {
    const shown = [];
    for (const row of rows) {
      const last = shown.at(-1);
      if (!this.#isKeepAlive(row)) shown.push(row);
      else if (last?.run) last.run.push(row);
      else shown.push({ ...row, kind: 'keepAlives', run: [row] });
    }

    return shown.flatMap(row => row.run?.length === 1 ? row.run : this.#unfolded.has(row.run?.[0]) ? [row, ...row.run] : [row]);
  }

  // Where nothing is routed, and on the Lab's own connection, such a message comes back as any other does.
  #isKeepAlive(row) {
    return row.isAlive && this.lab.feed.hello?.router && !this.lab.watched.isApart(row.connection);
  }

  #toggle([first]) {
    this.#unfolded[this.#unfolded.has(first) ? 'delete' : 'add'](first);
    this.#show();
  }

  #what(row) {
    const id = `${row.kind} ${row.connection} ${row.from} ${row.offset ?? row.tcp}`;
    const choose = work => () => {
      this.chosen = id;
      for (const one of this.body.querySelectorAll('[data-row]')) one.classList.toggle('picked', one.dataset.row === id);
      work();
    };
    const button = (text, work, more = {}) => el('button',
      { type: 'button', 'data-row': id, class: this.chosen === id ? 'picked' : '', onclick: choose(work), ...more }, text);
    if (row.run) return button(t('keepAlives', row.run.length), () => this.#toggle(row.run),
      { 'aria-expanded': String(this.#unfolded.has(row.run[0])) });
    if (row.kind === 'tcpEnded') {
      const text = t('tcpEnds', row.tcp);
      return button(row.isFirst ? t('tcpFirst', text) : text, () => this.#showDetail(
        el('article', { class: 'page' }, el('h3', {}, text), ['tcpWhy', 'drainingHelp'].map(id => el('p', {}, t(id))))));
    }

    if (row.kind === 'phaseChanged') {
      const cause = [row.cause, row.code, row.rule].filter(Boolean).join(' ');
      return `${t('phase')}: ${t('phases', row.phase)}${cause ? ` (${cause})` : ''}`;
    }
    if (row.kind === 'queue') return `${t('queued')}: ${t('bytesUnit', row.queued)}`;
    if (row.kind === 'request') return t('request');
    if (row.kind === 'opened') return `${t('response')} 101`;
    if (row.kind === 'answered') return `${t('response')} ${row.status} ${row.rule ?? ''}`;
    if (row.kind === 'ruleBroken') return el('span', { class: 'rule' }, t('broken', row.rule));
    const name = [0, 1, 2, 8, 9, 10].includes(row.opcode) ? t(`frame${row.opcode}`) : t('frameX', row.opcode);
    const part = row.fragment ? `, ${t(row.fin ? 'lastFragment' : 'fragment', row.fragment)}` : '';
    const rtt = row.rtt !== undefined ? `, ${t('rtt')} ${row.rtt.toFixed(2)} ms` : '';
    return button(`${name}, ${t('bytesUnit', row.payloadLength)}${part}${rtt}`,
      () => this.#explain(row).catch(error => this.lab.say(error.message)));
  }

  #showDetail(content) {
    this.explained = null;
    show(this.detail, content);
    this.#arrive();
  }

  async #explain(row) {
    const bytes = this.lab.watched.bytesOf(row), context = this.lab.watched.contextOf(row);
    if (bytes === null || context.before === null) return this.#showDetail(el('p', { class: 'help' }, t('notKept')));
    const { explained } = await this.lab.feed.ask({ ...asked(context, bytes), from: row.from, lang: language() });
    const unit = explained.units.find(one => one.kind === 'frame' && one.offset === context.before.length / 2);
    if (!unit) return this.#showDetail(el('p', { class: 'help' }, t('tooManyBefore')));
    this.explained = { bytes, from: row.from };
    showUnit(this.detail, unit, { chosen: note => this.lab.remember({ bytes, from: row.from, note, context }) });
    this.#arrive();
  }

  // What is chosen is explained below the rows, which may be out of sight.
  #arrive() {
    this.title.hidden = false;
    this.title.scrollIntoView({ block: 'nearest' });
    this.detail.scrollIntoView({ block: 'nearest' });
  }
}
