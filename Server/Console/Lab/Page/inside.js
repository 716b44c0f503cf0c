// What the server does with a connection: its phase, in the table of phases; its timer, in the wheel and as a countdown; what waits for it;
// and what bounds it.

import { el, show } from '/lab/dom.js';
import { t } from '/lab/words.js';

const phases = ['handshake', 'open', 'closing', 'draining', 'ended'];
const slots = 64, slotBits = 6, tickMilliseconds = 16; // of the server's wheel
const levels = ['16 ms', '1.02 s', '65.5 s', '70 min'];
const parts = ['wheel', 'phases', 'limits'];

export class Inside {
  #table = null;
  #open = new Set(); // of the parts, those that are unfolded

  // `reopen` opens the connection again.
  constructor(lab, reopen) {
    Object.assign(this, { lab, reopen });
  }

  get parts() {
    return parts;
  }

  // Unfolds a part, when it is shown the next time.
  open(part) {
    this.#open.add(part);
  }

  element() {
    this.facts = el('dl', {});
    this.end = el('div', {});
    this.over = null; // what is said because the connection is not there
    this.notice = el('div', { class: 'over', role: 'status' });
    this.wheel = el('div', { class: 'wheel' });
    [this.rows, this.marked] = [[], null];
    this.cells = levels.map(name => {
      const cells = Array.from({ length: slots }, () => el('i', {}));
      this.wheel.append(el('span', {}, name), el('span', { class: 'slots', 'aria-hidden': 'true' }, cells));
      return cells;
    });
    this.where = el('p', { class: 'help', id: 'slot' });
    this.table = el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': t('phaseTable') });
    const { hello } = this.lab.feed;
    return el('section', { class: 'inside', id: 'inside' }, this.notice, this.facts, this.end,
      this.#fold('wheel', 'wheel', ['wheelHelp', 'wheelWhy'], this.wheel, this.where),
      this.#fold('phases', 'phaseTable', ['phaseHelp', 'drainingHelp', 'tcpWhy'], this.table),
      this.#fold('limits', 'limits', [], hello && el('ul', {}, [
        ['limitMessage', hello.maxMessage.toLocaleString()], ['limitFragments', hello.maxFragments.toLocaleString()],
        ['limitTime', hello.messageTimeout / 1000], ['limitQueue', hello.sendBuffer.toLocaleString()],
      ].map(([id, value]) => el('li', {}, t(id, value))))));
  }

  // A part that can be folded, and stays as the reader has left it. Where the connection is over, a part that lives by it says so too.
  #fold(id, name, help, ...content) {
    const part = el('details', { id, open: this.#open.has(id), ontoggle: () => {
      this.#open[part.open ? 'add' : 'delete'](id);
      if (part.open && id === 'phases') this.#showTable().catch(error => this.lab.say(error.message));
    } }, el('summary', {}, t(name)), id !== 'limits' && el('div', { class: 'over' }), help.map(one => el('p', { class: 'help' }, t(one))),
    content);
    return part;
  }

  // What is said of a connection that is not there, and a button for another one. It stands still, so that it can be pressed.
  #showOver(over) {
    if (over === this.over) return;
    this.over = over;
    for (const place of this.notice.parentElement.querySelectorAll('.over')) {
      const part = place.closest('details'), text = part ? t('partOver') : over;
      show(place, over && [el('p', {}, text), el('button', { type: 'button', onclick: () => {
        (part?.querySelector('summary') ?? document.getElementById('message')).focus(); // the button goes
        this.reopen();
      } }, t('open'))]);
      part?.classList.toggle('dead', Boolean(over));
    }
  }

  // Called several times in a second. `over` says why the connection is not there; null while it is.
  update(known, over) {
    if (!this.facts?.isConnected) return;
    this.#showOver(over);
    if (!this.lab.feed.hello || !known) return this.#showNothing();
    const left = known.timer && known.timer.at - performance.now();
    show(this.facts,
      el('div', {}, el('dt', {}, t('phase')), el('dd', {}, el('ol', { class: 'phases' },
        phases.map(phase => el('li', phase === known.phase ? { class: 'chosen', 'aria-current': 'step' } : {}, t('phases', phase)))))),
      known.timer && el('div', {}, el('dt', {}, t('timer')), el('dd', {},
        t('dueIn', t('deadlines', waitsFor(known)), (Math.max(0, left) / 1000).toFixed(1)))),
      el('div', {}, el('dt', {}, t('queued')), el('dd', {}, queue(known.queued, this.lab))),
      known.rtt !== undefined && el('div', {}, el('dt', {}, t('rtt')), el('dd', {}, `${known.rtt.toFixed(2)} ms`)));
    show(this.end, ended(known));
    this.#turn(known.timer, left);
    for (const { row, shown } of this.rows) row.classList.toggle('chosen', shown === known.phase);
    if (this.marked !== known.phase && this.rows.length > 0) {
      this.marked = known.phase;
      this.table.scrollTop = (this.rows.find(one => one.shown === known.phase)?.row.offsetTop ?? 0) - 40;
    }
  }

  // Without a line nobody knows what the server does.
  #showNothing() {
    show(this.facts, !this.lab.feed.hello && el('div', {}, el('dt', {}, t('phase')), el('dd', { class: 'rule' }, t('notLive'))));
    show(this.end);
    this.#turn(null, 0);
    this.marked = null;
    for (const { row } of this.rows) row.classList.remove('chosen');
  }

  // The server tells the tick for which the timer is armed. Where it lies follows from that, as in TimerWheel: in the lowest wheel that
  // reached it when it was armed, and one lower each time that the slot is emptied.
  #turn(timer, left) {
    const now = timer ? timer.tick - Math.max(0, Math.ceil(left / tickMilliseconds)) : 0;
    let level = timer ? Math.floor(Math.log2(Math.max(1, timer.ahead)) / slotBits) : -1;
    while (level > 0 && place(now, level) >= place(timer.tick, level)) level--;
    this.cells.forEach((cells, at) => cells.forEach((cell, slot) => {
      cell.classList.toggle('hand', Boolean(timer) && place(now, at) % slots === slot);
      cell.classList.toggle('mine', at === level && place(timer.tick, at) % slots === slot);
    }));
    this.where.textContent = timer ? t('slot', timer.tick, level + 1, place(timer.tick, level) % slots) : t('noTimer');
  }

  async #showTable() {
    if (!this.lab.feed.hello && !this.#table) return; // it is shown anew when there is a line
    this.#table ??= (await this.lab.feed.ask({ do: 'phases' })).phases;
    this.rows = this.#table.map(cell => ({ shown: cell.shown, row: el('tr', {}, [
      t('phases', cell.phase), t('events', cell.event), t('phases', cell.next), [t('sends', cell.sends), t('tcps', cell.tcp)]
        .filter(Boolean).join(', '),
    ].map(text => el('td', {}, text))) }));
    show(this.table, el('table', {}, el('thead', {}, el('tr', {},
      ['phase', 'happens', 'then', 'goesOut'].map(id => el('th', { scope: 'col' }, t(id))))),
    el('tbody', {}, this.rows.map(one => one.row))));
  }
}

// A timer that was armed for the handshake, or for a Pong that has come since, stays as it is; when it comes due on an open connection,
// it looks for silence.
const waitsFor = ({ phase, timer: { deadline, isAnswered } }) =>
  phase === 'open' && (deadline === 'handshake' || (deadline === 'probe' && isAnswered)) ? 'silence' : deadline;

const place = (tick, level) => Math.floor(tick / slots ** level);

// How much waits in a connection's send queue, against what may. The less the better.
export function queue(bytes, lab) {
  const most = lab.feed.hello?.sendBuffer ?? 1;
  return [el('meter', { min: 0, max: most, low: most / 2, high: most - 1, optimum: 0, value: Math.min(bytes, most),
    'aria-label': t('queued') }),
    ` ${t('bytesUnit', bytes.toLocaleString())}`, isFull(bytes, lab) && el('b', { class: 'rule' }, ` ${t('full')}`)];
}

export const isFull = (bytes, { feed: { hello } }) => Boolean(hello) && bytes >= hello.sendBuffer;

export function ended(known) {
  if (!known.cause) return null;
  const code = known.code ? ` ${known.code}` : '', rule = known.rule ? ` ${known.rule}` : '';
  const order = known.tcp.map(one => t('tcpEnds', one)).join(' → ');
  return [el('p', { class: 'end' }, t('ended', `${known.cause}${code}${rule}`)),
    order && el('p', { class: 'help', id: 'tcp-end' }, t('tcpOrder', order), ' ', known.tcp[0] === 'ownFin' && t('tcpWhy'))];
}
