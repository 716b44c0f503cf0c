// The router: who is here, and the way of a message. Its connections are the program's, each under a uid; one of them can be a reader that
// the server's own program slows, so that its send queue fills.

import { el, show, field, choice } from '/lab/dom.js';
import { address } from '/lab/feed.js';
import { queue, isFull } from '/lab/inside.js';
import { toBytes } from '/lab/bytes.js';
import { drawWay, utf8, shortened } from '/lab/way.js';
import { t, refusal } from '/lab/words.js';

const waysMax = 12, toldMax = 6, fillBytes = 60000, fillTimes = 40;
const rates = [0, 16384, 131072, 1048576]; // bytes a second; a piece is taken whole, and has 64 KiB at most

export class Room {
  #timer = null;
  #isStale = false; // who is here has changed
  #sockets = new Map(); // by connection, those that this page has opened
  #opening = []; // uid and socket, until the server says which connection it is, or refuses it
  #beat = 0;

  constructor(lab) {
    this.lab = lab;
    this.tag = crypto.getRandomValues(new Uint16Array(1))[0].toString(16).padStart(4, '0');
    this.ways = [];
    this.waysSeen = 0;
    this.chosen = null;
    this.rate = 0; // so that it is seen what becomes of who takes nothing
    this.errors = []; // what senders have been sent back, each with how often
    this.gone = []; // connections that have ended
    this.who = el('ul', { class: 'room', id: 'room' });
    this.list = el('ol', { class: 'units', id: 'ways' });
    this.drawn = el('div', { id: 'way', 'aria-live': 'polite' });
    this.left = el('p', { class: 'help' });
    this.problem = el('p', { class: 'rule', role: 'status' });
    this.back = el('div', { id: 'sent-back' });
    this.whoWas = el('ul', { class: 'room', id: 'room-gone' });
    this.slowProblem = el('p', { class: 'rule', role: 'status' });
    this.slowState = el('div', { id: 'slow-state' });
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
    this.slowProblem.textContent = '';
    return el('div', { class: 'router' }, el('p', { class: 'help' }, t(hello?.all ? 'roomHelpAll' : 'roomHelp')),
      el('form', { class: 'buttons', onsubmit: event => { event.preventDefault(); this.#send(this.text.value); } },
        field(t('roomFrom'), this.from), field(t('roomMessage'), this.text), el('button', { class: 'main', id: 'room-send' }, t('send'))),
      this.problem,
      el('h2', {}, t('way')), this.list, this.left, this.drawn, this.back,
      el('h2', {}, t('who')), this.who, this.whoWas,
      el('form', { class: 'buttons', onsubmit: event => { event.preventDefault(); this.#join(this.uid.value); } },
        field(t('roomUid'), this.uid), el('button', { id: 'join' }, t('join'))),
      el('h2', {}, t('slowly')), el('p', { class: 'help' }, t('slowlyHelp')), el('p', {}, t('slowlyZero')),
      el('div', { class: 'buttons' }, field(t('takes'), slowly),
        el('button', { type: 'button', id: 'slow', onclick: () => this.#slow() }, t('slowBegin')),
        el('button', { type: 'button', id: 'fill', onclick: () => this.#fill() }, t('fill', fillTimes, fillBytes.toLocaleString()))),
      this.slowProblem, this.slowState);
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
    this.#showErrors();
    this.#showGone();
    return this.refresh();
  }

  // The line is lost, or there is a new one: nobody is known to be here.
  reset() {
    clearInterval(this.#beat);
    this.#sockets.clear();
    Object.assign(this, { isBegun: false, here: [], ways: [], chosen: null, errors: [], gone: [] });
    this.#opening = [];
    this.problem.textContent = this.slowProblem.textContent = '';
    show(this.who);
    if (this.from) show(this.from);
    this.#showWays();
    this.#showErrors();
    this.#showGone();
  }

  async refresh() {
    const { room, left } = await this.lab.feed.ask({ do: 'room' });
    this.here = room.filter(one => !this.#isOver(one.connection)).sort((one, other) => one.connection - other.connection);
    show(this.who, this.here.map(one => el('li', { 'data-connection': one.connection },
      el('b', {}, one.uid || t('noUid')),
      el('small', {}, ` #${one.connection} ${this.lab.watched.isApart(one.connection) ? t('apart') : ''}`),
      el('span', { class: 'queue' }, queue(one.queued, this.lab)),
      this.#sockets.has(one.connection)
        && el('button', { type: 'button', 'data-close': one.connection, onclick: () => this.#sockets.get(one.connection).close(1000) },
          t('close')))),
    left > 0 && el('li', { class: 'help' }, t('leftOut', left)));
    const chosen = this.from.value, own = this.here.filter(one => this.#sockets.has(one.connection));
    show(this.from, own.map(one => el('option', { value: one.connection }, one.uid || `#${one.connection}`)));
    if (own.some(one => `${one.connection}` === chosen)) this.from.value = chosen;
    this.#showSlow();
  }

  // What has been told since may be newer than the answer. The router delivers only to who is open.
  #isOver(connection) {
    const known = this.lab.watched.connections.get(connection);
    return Boolean(known) && !['handshake', 'open'].includes(known.phase);
  }

  #join(uid, opened = () => {}) {
    if (!this.lab.feed.hello) return void (this.problem.textContent = t('noLine'));
    const socket = new WebSocket(address(`${this.lab.feed.hello.try}?uid=${encodeURIComponent(uid)}`));
    let wasOpen = false;
    this.problem.textContent = '';
    this.#opening.push({ uid, socket, opened });
    socket.onopen = () => { wasOpen = true; };
    socket.onmessage = ({ data }) => { if (typeof data === 'string' && data.startsWith('error:')) this.#onError(uid, data); };
    socket.onclose = event => {
      // One that is refused stays among them: why that is may still be told.
      if (wasOpen) this.#opening = this.#opening.filter(one => one.socket !== socket);
      for (const [connection, its] of this.#sockets) if (its === socket) this.#sockets.delete(connection);
      if (!this.lab.feed.hello) return; // that it is lost stands above
      if (!wasOpen) this.problem.textContent ||= t('notJoined', uid);
      else if (event.code !== 1000) this.problem.textContent = `${uid}: ${event.code} ${event.reason}`;
    };
  }

  #find = uid => this.here?.find(one => one.uid === uid && !this.#isOver(one.connection));

  #send(text) {
    const socket = this.#sockets.get(Number(this.from.value)) ?? this.#sockets.values().next().value;
    if (socket?.readyState === WebSocket.OPEN) socket.send(text);
    else this.problem.textContent = t('nobodyHere');
  }

  #slow() {
    const last = [...this.lab.watched.connections.values()].findLast(one => one.uid === this.slow);
    const stillEnds = last && !last.ended && this.#isOver(last.id);
    this.slowProblem.textContent = stillEnds ? t('stillEnds', this.slow) : '';
    if (!stillEnds) this.lab.feed.ask({ do: 'slow', name: this.slow, rate: this.rate })
      .catch(error => { this.slowProblem.textContent = error.message; });
  }

  // A sender is told what could not be done, as often as it could not.
  #onError(uid, text) {
    const known = this.errors.find(one => one.uid === uid && one.text === text);
    if (known) known.times++;
    else this.errors.push({ uid, text, times: 1 });
    if (this.errors.length > toldMax) this.errors.shift();
    this.#showErrors();
    this.#later();
  }

  #showErrors() {
    const list = errors => el('ul', { class: 'room' }, errors.map(one => el('li', {}, el('span', { class: 'rule' },
      t('sentBackOne', one.uid, shortened(one.text, 60))), el('small', {}, t('times', one.times)))));
    show(this.back, this.errors.length > 0 && [el('h2', {}, t('sentBack')), list(this.errors)]);
    this.#showSlow();
  }

  #showGone() {
    show(this.whoWas, this.gone.map(one => el('li', {}, el('small', {}, t('roomGone', one.uid, one.connection, one.how)))));
    this.#showSlow();
  }

  // Of the reader that is slow all is said again where it is filled: its queue, what its senders are told, and its end.
  #showSlow() {
    const here = this.#find(this.slow), known = here && this.lab.watched.connections.get(here.connection);
    const queued = known?.queued ?? here?.queued ?? 0, gone = this.gone.filter(one => one.uid === this.slow);
    const errors = this.errors.filter(one => one.text.split(':')[2] === this.slow);
    show(this.slowState, here && el('p', {}, el('b', {}, this.slow), ' ', queue(queued, this.lab)),
      here && isFull(queued, this.lab) && el('p', {}, t('overLimit', this.lab.feed.hello.sendBuffer.toLocaleString())),
      errors.map(one => el('p', { class: 'rule' }, `${t('sentBackOne', one.uid, one.text)} (${t('times', one.times)})`)),
      gone.map(one => el('p', { class: 'rule' }, t('roomGone', one.uid, one.connection, one.how))));
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
      if (event.kind === 'phaseChanged' && event.cause) this.#onGone(event);
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
    this.#isStale ||= isChanged;
    if (isChanged || events.some(event => event.kind === 'frameSent')) this.#later();
  }

  // What has changed is shown soon, together with what changes until then.
  #later() {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      if (!this.who.isConnected) return;
      if (this.#isStale) this.refresh().catch(() => {});
      this.#isStale = false;
      this.#showWays();
    }, 100);
  }

  #onGone({ connection, cause, code }) {
    const { uid } = this.lab.watched.connections.get(connection) ?? {};
    if (!uid || this.gone.some(one => one.connection === connection)) return;
    this.gone.push({ uid, connection, how: code ? `${cause} ${code}` : cause });
    if (this.gone.length > toldMax) this.gone.shift();
    this.#showGone();
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

    this.#showSlow();
  }

  #onWay(way) {
    const isLatest = !this.chosen || this.chosen === this.ways.at(-1);
    this.ways.push({ ...way, number: ++this.waysSeen });
    if (this.ways.length > waysMax) this.ways.shift();
    if (isLatest) this.chosen = this.ways.at(-1);
    this.#showWays();
  }

  #showWays() {
    if (!this.list.isConnected) return;
    show(this.list, this.ways.map(way => el('li', {}, el('button', {
      type: 'button', 'data-way': way.number, class: way === this.chosen ? 'client chosen' : 'client',
      onclick: () => { this.chosen = way; this.#showWays(); },
    }, `${way.uid || `#${way.connection}`} → ${shortened(utf8(toBytes(way.bytes)))}`))));
    this.left.textContent = this.ways.at(-1)?.left > 0 ? t('leftOut', this.ways.at(-1).left) : '';
    show(this.drawn, this.chosen && drawWay(this.chosen, this.lab, this.errors));
  }
}
