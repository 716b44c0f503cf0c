// The first view: the reader's own connection, from its handshake on, as the server has seen it.

import { el, show, field, arriveAt } from '/lab/dom.js';
import { address } from '/lab/feed.js';
import { contextOf } from '/lab/context.js';
import { nameOf, showUnit } from '/lab/unit.js';
import { t, language, refusal } from '/lab/words.js';
import { Inside } from '/lab/inside.js';
import { sharing } from '/lab/share.js';

export class Own {
  #socket;
  #timer;
  #asked = 0;
  #chosen = 0;
  #follow = true;
  #conversation = null;
  #wanted = ''; // where the reader wants to be
  #refusal = null; // what the answer says, if it is no 101
  #end = null; // how the connection has ended: code and reason

  constructor(lab) {
    this.lab = lab;
    this.units = [];
    this.connection = null;
    this.list = el('ol', { class: 'units', id: 'units' });
    this.detail = el('div', { id: 'unit' });
    this.inside = new Inside(lab);
    this.loaded = null; // both directions of a trace from a file, in hexadecimal; it is shown until the connection is opened again
    lab.watched.changed.add(events => this.#onEvents(events));
    setInterval(() => this.#showInside(), 250);
  }

  // The feed is there: the connection is opened, and says Hello.
  start() {
    if (!this.lab.feed.hello) return this.lab.say(t('noLine'));
    [this.connection, this.loaded, this.#end] = [null, null, null];
    [this.#chosen, this.#follow] = [0, true];
    this.#socket?.close(1000); // there is one at a time
    const socket = this.#socket = new WebSocket(address(this.lab.feed.hello.try));
    let wasOpen = false;
    this.#refusal = null;
    socket.onopen = () => {
      wasOpen = true;
      socket.send('Hello');
      if (socket === this.#socket) this.lab.say(this.state());
    };
    socket.onclose = ({ code, reason }) => {
      if (socket !== this.#socket || !this.lab.feed.hello) return;
      if (wasOpen) this.#end = { code, reason };
      this.lab.say(wasOpen ? this.state() : this.#refusal ?? t('notOpened'));
    };
  }

  // How it is with the connection, in words.
  state() {
    if (!this.#end) return t('running');
    const { code, reason } = this.#end;
    return t(code === 3008 ? 'ownSilent' : 'ownEnded', `${code} ${reason}`.trim(), this.lab.feed.hello.heartbeat / 1000);
  }

  // The line is lost, and with it the connection.
  lose() {
    this.#showInside();
  }

  element() {
    const text = el('input', { id: 'message', value: 'Grüße 你好', autocomplete: 'off' });
    return el('div', { class: 'own' },
      this.inside.element(),
      el('form', { class: 'buttons', onsubmit: event => { event.preventDefault(); this.#send(text.value); } },
        field(t('message'), text), el('button', { class: 'main', id: 'own-send' }, t('send')),
        el('button', { type: 'button', id: 'ping', onclick: () => this.#ifOpen(() => this.#ping()) }, t('ping')),
        el('button', { type: 'button', id: 'close', onclick: () => this.#ifOpen(socket => socket.close(1000, 'bye')) }, t('close')),
        el('button', { type: 'button', id: 'reopen', onclick: () => this.#reopen() }, t('open')),
        sharing(this.lab, () => this.connection, loaded => { this.loaded = loaded; return this.refresh(); })),
      el('h2', {}, t('unitsOf')), this.list, this.detail);
  }

  shown() {
    if (this.inside.parts.includes(this.#wanted)) {
      arriveAt(document.querySelector(`#${this.#wanted} summary`));
      this.#wanted = '';
    }

    return this.refresh();
  }

  // A place in this view: how Accept was made, or a part of what lies inside.
  visit(place) {
    this.#wanted = place ?? '';
    if (this.inside.parts.includes(place)) this.inside.open(place);
  }

  hidden() {
    this.#wanted = '';
  }

  async refresh() {
    const { loaded } = this;
    if (this.connection === null && !loaded) return;
    const asked = ++this.#asked;
    const answer = await this.lab.feed.ask(loaded
      ? { do: 'explain', ...loaded, lang: language() }
      : { do: 'trace', connection: this.connection, lang: language() });
    if (asked === this.#asked) this.#show(answer.trace ?? { conversation: answer.explained, bytesLeftOut: 0 });
  }

  #show(trace) {
    this.#conversation = trace.conversation;
    this.units = trace.conversation.units;
    const entries = this.units.map((unit, index) => el('li', {}, el('button', {
      type: 'button', 'data-unit': index, class: unit.annotations.some(note => note.rule) ? `${unit.from} broken` : unit.from,
      onclick: () => { this.#follow = false; this.#choose(index, 0); },
    }, el('span', { class: 'way' }, unit.from === 'client' ? '→' : '←'), ` ${nameOf(unit)} `,
    el('small', {}, t('bytesUnit', unit.length)))));
    show(this.list, entries);
    const left = trace.bytesLeftOut + trace.conversation.unitsLeftOut;
    if (left > 0) this.list.append(el('li', { class: 'help' }, t('leftOut', left)));
    const isNew = !this.detail.firstChild || this.lang !== language();
    const accept = this.#wanted === 'accept' ? this.units.findIndex(unit => unit.accept) : -1;
    if (accept >= 0) {
      this.#choose(accept, 0, false);
      [this.#wanted, this.#follow] = ['', false];
      arriveAt(this.detail.querySelector('#accept'));
    } else if (this.#follow || isNew) this.#choose(Math.min(this.#chosen, this.units.length - 1), this.note ?? 0, false);
    else this.#markChosen();
    this.lang = language();
  }

  #choose(index, note, tell = true) {
    const unit = this.units[index];
    if (!unit) return;
    [this.#chosen, this.note] = [index, note];
    this.#markChosen();
    const place = chosen => {
      this.#follow = false;
      this.note = chosen;
      this.lab.remember({ bytes: unit.bytes, from: unit.from, note: chosen, context: contextOf(this.#conversation, unit) });
    };
    showUnit(this.detail, unit, { note, chosen: place });
    if (tell) place(note);
    if (tell) this.#wanted = '';
  }

  #markChosen() {
    [...this.list.querySelectorAll('button')].forEach((entry, index) => entry.classList.toggle('chosen', index === this.#chosen));
  }

  // The first connection that opens after start() is ours; those of the router have a uid.
  #onEvents(events) {
    const opened = events.find(event => event.kind === 'opened' && event.endpoint === this.lab.feed.hello.try && !event.uid);
    if (opened) this.connection ??= opened.connection;
    const refused = events.find(event => event.kind === 'answered' && this.#isOwn(this.lab.watched.targetOf(event.connection)));
    if (refused && this.connection === null) {
      this.#refusal = t('notOpenedFor', refusal(refused.status, this.lab.feed.hello));
      if (this.#socket?.readyState === WebSocket.CLOSED) this.lab.say(this.#refusal);
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refresh().catch(() => {}), 60);
    this.#showInside();
  }

  // One that is being opened is waited for.
  #reopen() {
    if (this.#socket?.readyState !== WebSocket.CONNECTING) this.start();
  }

  #showInside() {
    this.inside.update(this.lab.watched.connections.get(this.connection));
  }

  #isOwn = target => target !== null && target.pathname === this.lab.feed.hello.try && !target.searchParams.has('uid');

  // A closed connection takes nothing, and a browser does not say so.
  #ifOpen(work) {
    if (!this.lab.feed.hello) return this.lab.say(t('noLine'));
    if (this.#socket?.readyState === WebSocket.OPEN) return work(this.#socket);
    this.lab.say(t(this.#socket?.readyState === WebSocket.CONNECTING ? 'notYetOpen' : 'isClosed'));
  }

  #send(text) {
    this.#ifOpen(socket => {
      socket.send(text);
      this.#follow = false;
    });
  }

  #ping() {
    this.lab.feed.ask({ do: 'ping', connection: this.connection }).catch(error => this.lab.say(error.message));
  }
}
