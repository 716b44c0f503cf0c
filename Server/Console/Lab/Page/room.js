// The router: who is here, and the way of a message. Its connections are the program's, each under a uid; one of them can be a reader that
// the server's own program slows, so that its send queue fills.

import { el, show, field, choice } from '/lab/dom.js';
import { address } from '/lab/feed.js';
import { queue } from '/lab/inside.js';
import { toBytes } from '/lab/bytes.js';
import { t, refusal } from '/lab/words.js';

const waysMax = 12, fillBytes = 60000, fillTimes = 40;
const rates = [0, 16384, 131072, 1048576]; // bytes a second; a piece is taken whole, and has 64 KiB at most

export class Room {
  #timer;
  #sockets = new Map(); // by connection, those that this page has opened
  #opening = []; // uid and socket, until the server says which connection it is, or refuses it
  #beat = 0;

  constructor(lab) {
    this.lab = lab;
    this.tag = crypto.getRandomValues(new Uint16Array(1))[0].toString(16).padStart(4, '0');
    this.ways = [];
    this.chosen = null;
    this.rate = 16384;
    this.who = el('ul', { class: 'room', id: 'room' });
    this.list = el('ol', { class: 'units', id: 'ways' });
    this.drawn = el('div', { id: 'way', 'aria-live': 'polite' });
    this.left = el('p', { class: 'help' });
    this.problem = el('p', { class: 'rule', role: 'status' });
    lab.watched.changed.add(events => this.#onEvents(events));
    lab.feed.onway = way => this.#onWay(way);
  }

  get slow() {
    return `slow-${this.tag}`;
  }

  element() {
    const { hello } = this.lab.feed;
    if (hello && !hello.router) return el('p', { class: 'help' }, t('noRouter'));
    const input = (id, value) => el('input', { id, value, autocomplete: 'off', spellcheck: 'false' });
    this.uid = input('room-uid', `carol-${this.tag}`);
    this.from = el('select', { id: 'room-from' });
    this.text = input('room-text', `bob-${this.tag}:hi`);
    const slowly = choice(rates.map(rate => [`${rate}`, t('rate', rate.toLocaleString())]), `${this.rate}`, rate => {
      this.rate = Number(rate);
      if (this.#find(this.slow)) this.#slow();
    });
    slowly.id = 'rate';
    return el('div', { class: 'router' }, el('p', { class: 'help' }, t(hello?.all ? 'roomHelpAll' : 'roomHelp')),
      el('form', { class: 'buttons', onsubmit: event => { event.preventDefault(); this.#send(this.text.value); } },
        field(t('roomFrom'), this.from), field(t('roomMessage'), this.text), el('button', { class: 'main', id: 'room-send' }, t('send'))),
      this.problem,
      el('h2', {}, t('way')), this.list, this.left, this.drawn,
      el('h2', {}, t('who')), this.who,
      el('form', { class: 'buttons', onsubmit: event => { event.preventDefault(); this.#join(this.uid.value); } },
        field(t('roomUid'), this.uid), el('button', { id: 'join' }, t('join'))),
      el('h2', {}, t('slowly')), el('p', { class: 'help' }, t('slowlyHelp')),
      el('div', { class: 'buttons' }, field(t('takes'), slowly),
        el('button', { type: 'button', id: 'slow', onclick: () => this.#slow() }, t('slowBegin')),
        el('button', { type: 'button', id: 'fill', onclick: () => this.#fill() }, t('fill', fillTimes, fillBytes.toLocaleString()))));
  }

  // With two connections and a message, so that there is something to see.
  shown() {
    if (!this.lab.feed.hello.router) return;
    if (!this.isBegun) {
      this.isBegun = true;
      this.#beat = setInterval(() => this.#speak(), (this.lab.feed.hello.heartbeat || 30000) / 3);
      this.#join(`alice-${this.tag}`);
      this.#join(`bob-${this.tag}`, () => this.#send(`bob-${this.tag}:hi`));
    }
    this.#showWays();
    return this.refresh();
  }

  // The line is lost, or there is a new one: nobody is known to be here.
  reset() {
    clearInterval(this.#beat);
    this.#sockets.clear();
    Object.assign(this, { isBegun: false, here: [], ways: [], chosen: null });
    this.#opening = [];
    this.problem.textContent = '';
    show(this.who);
    if (this.from) show(this.from);
    this.#showWays();
  }

  async refresh() {
    const { room, left } = await this.lab.feed.ask({ do: 'room' });
    this.here = room.sort((one, other) => one.connection - other.connection);
    show(this.who, this.here.map(one => el('li', { 'data-connection': one.connection },
      el('b', {}, one.uid || t('noUid')),
      el('small', {}, ` #${one.connection} ${this.lab.watched.isApart(one.connection) ? t('apart') : ''}`),
      el('span', { class: 'queue' }, queue(one.queued, this.lab)),
      this.#sockets.has(one.connection)
        && el('button', { type: 'button', onclick: () => this.#sockets.get(one.connection).close(1000) }, t('close')))),
    left > 0 && el('li', { class: 'help' }, t('leftOut', left)));
    const chosen = this.from.value, own = this.here.filter(one => this.#sockets.has(one.connection));
    show(this.from, own.map(one => el('option', { value: one.connection }, one.uid || `#${one.connection}`)));
    if (own.some(one => `${one.connection}` === chosen)) this.from.value = chosen;
  }

  #join(uid, opened = () => {}) {
    if (!this.lab.feed.hello) return void (this.problem.textContent = t('noLine'));
    const socket = new WebSocket(address(`${this.lab.feed.hello.try}?uid=${encodeURIComponent(uid)}`));
    let wasOpen = false;
    this.problem.textContent = '';
    this.#opening.push({ uid, socket, opened });
    socket.onopen = () => { wasOpen = true; };
    socket.onclose = event => {
      // One that is refused stays among them: why that is may still be told.
      if (wasOpen) this.#opening = this.#opening.filter(one => one.socket !== socket);
      for (const [connection, its] of this.#sockets) if (its === socket) this.#sockets.delete(connection);
      if (!this.lab.feed.hello) return; // that it is lost stands above
      if (!wasOpen) this.problem.textContent ||= t('notJoined', uid);
      else if (event.code !== 1000) this.problem.textContent = `${uid}: ${event.code} ${event.reason}`;
    };
  }

  #find = uid => this.here?.find(one => one.uid === uid);

  #send(text) {
    const socket = this.#sockets.get(Number(this.from.value)) ?? this.#sockets.values().next().value;
    if (socket?.readyState === WebSocket.OPEN) socket.send(text);
    else this.problem.textContent = t('nobodyHere');
  }

  #slow() {
    this.lab.feed.ask({ do: 'slow', name: this.slow, rate: this.rate }).catch(error => { this.problem.textContent = error.message; });
  }

  #fill() {
    for (let i = 0; i < fillTimes; i++) this.#send(`${this.slow}:${'x'.repeat(fillBytes)}`);
  }

  // The connections that this page holds stay alive: somebody reads. The router delivers an empty message to nobody.
  #speak() {
    for (const socket of this.#sockets.values()) if (socket.readyState === WebSocket.OPEN) socket.send('');
  }

  #onEvents(events) {
    for (const event of events) {
      if (event.kind === 'answered') this.#onRefused(event);
      if (event.kind !== 'opened' || event.endpoint !== this.lab.feed.hello?.try) continue;
      const at = this.#opening.findIndex(one => one.uid === event.uid && one.socket.readyState !== WebSocket.CLOSED);
      if (at < 0) continue;
      const [{ socket, opened }] = this.#opening.splice(at, 1);
      this.#sockets.set(event.connection, socket);
      setTimeout(() => { if (this.who.isConnected) this.refresh().then(opened).catch(error => this.lab.say(error.message)); }, 100);
    }
    if (!this.who.isConnected) return;
    if (events.some(event => event.kind === 'queue')) this.#showQueues();
    const isChanged = events.some(event => ['opened', 'named', 'ended', 'phaseChanged'].includes(event.kind));
    if (!isChanged && !events.some(event => event.kind === 'frameSent')) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!this.who.isConnected) return;
      if (isChanged) this.refresh().catch(() => {});
      this.#showWays();
    }, 100);
  }

  // Only what this page has asked for: with --lab all the server tells what it has answered to others too.
  #onRefused({ connection, status }) {
    const target = this.lab.watched.targetOf(connection), uid = target?.searchParams.get('uid');
    if (target?.pathname !== this.lab.feed.hello?.try) return;
    const at = this.#opening.findIndex(one => one.uid === uid);
    if (at < 0) return;
    this.#opening.splice(at, 1);
    this.problem.textContent = `${t('notJoined', uid)} ${refusal(status, this.lab.feed.hello)}`;
  }

  #showQueues() {
    for (const entry of this.who.children) {
      const known = this.lab.watched.connections.get(Number(entry.dataset.connection));
      if (known) show(entry.querySelector('.queue'), queue(known.queued, this.lab));
    }
  }

  #onWay(way) {
    const isLatest = !this.chosen || this.chosen === this.ways.at(-1);
    this.ways.push(way);
    if (this.ways.length > waysMax) this.ways.shift();
    if (isLatest) this.chosen = way;
    this.#showWays();
  }

  #showWays() {
    if (!this.list.isConnected) return;
    show(this.list, this.ways.map(way => el('li', {}, el('button', {
      type: 'button', class: way === this.chosen ? 'client chosen' : 'client', onclick: () => { this.chosen = way; this.#showWays(); },
    }, `${way.uid || `#${way.connection}`} → ${shortened(utf8(toBytes(way.bytes)))}`))));
    this.left.textContent = this.ways.at(-1)?.left > 0 ? t('leftOut', this.ways.at(-1).left) : '';
    show(this.drawn, this.chosen && this.#draw(this.chosen));
  }

  // From the frame that came to the frames that went out.
  #draw(way) {
    const bytes = toBytes(way.bytes), { colon } = way;
    const split = colon === undefined ? el('p', {}, t('wayNoColon'))
      : el('p', { class: 'split' }, el('b', { class: 'address' }, utf8(bytes.subarray(0, colon))), el('b', {}, ':'),
        el('span', {}, shortened(utf8(bytes.subarray(colon + 1)))));
    const found = way.problem ? el('p', { class: 'rule' }, t('wayProblem', way.problem))
      : way.toAll ? el('p', {}, t('wayAll'))
        : el('p', {}, way.receivers.map(id => el('span', { class: 'chip' }, `#${id}`)), way.others && ` ${t('wayOthers')}`,
          way.receivers.length === 0 && !way.others && t('wayNobody'));
    return el('ol', { class: 'route' }, [
      [t('way1', way.uid || t('noUid'), way.connection),
        el('p', {}, t(way.isText ? 'frame1' : 'frame2'), ', ', t('bytesUnit', way.length))],
      [t('way2'), split],
      [t('way3'), found],
      [t('way4'), this.#arrived(way)],
    ].map(([title, content]) => el('li', {}, el('h3', {}, title), content)));
  }

  // What the wire has seen since: the body's frame on each receiver, or an error on the sender.
  #arrived(way) {
    const bodyLength = way.length - (way.colon ?? 0) - 1;
    const rows = this.lab.watched.rows.filter(row => row.kind === 'frameSent' && row.at >= way.at && row.opcode < 8);
    const isTo = row => way.toAll ? !this.lab.watched.isApart(row.connection) : way.receivers?.includes(row.connection);
    const got = rows.filter(row => (row.compressed || row.payloadLength === bodyLength) && isTo(row));
    const ids = [...new Set(got.map(row => row.connection))];
    const error = way.problem ?? (way.receivers?.length === 0 && !way.others ? 'offline' : null);
    if (error) return el('p', { class: 'rule' }, t('wayBack', way.uid || `#${way.connection}`, error));
    return el('p', {}, ids.map(id => el('span', { class: 'chip fine' }, `✓ #${id}`)), ids.length === 0 && t('wayNotYet'));
  }
}

const utf8 = bytes => new TextDecoder().decode(bytes);

const shortened = text => text.length > 24 ? `${text.slice(0, 24)}…` : text;
