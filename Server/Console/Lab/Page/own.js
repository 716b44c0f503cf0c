// The first view: the reader's own connection, from its handshake on, as the server has seen it.

import { el, field, arriveAt } from '/lab/dom.js';
import { address } from '/lab/feed.js';
import { contextOf } from '/lab/context.js';
import { showUnit } from '/lab/unit.js';
import { UnitList } from '/lab/units.js';
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
    this.list = new UnitList({ id: 'units', isSized: true, choose: index => { this.#follow = false; this.#choose(index, 0); } });
    this.detail = el('div', { id: 'unit' });
    this.inside = new Inside(lab, () => this.#reopen());
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
      if (socket !== this.#socket) return;
      this.lab.say(this.state());
      this.#showInside();
    };
    socket.onclose = ({ code, reason }) => {
      if (socket !== this.#socket || !this.lab.feed.hello) return;
      if (wasOpen) this.#end = { code, reason };
      this.lab.say(this.#whyOver());
      this.#showInside();
    };
    this.#showInside();
  }

  // How it is with the connection, in words.
  state() {
    if (!this.#end) return t('running');
    const { code, reason } = this.#end;
    return t(code === 3008 ? 'ownSilent' : 'ownEnded', `${code} ${reason}`.trim(), this.lab.feed.hello.heartbeat / 1000);
  }

  // Why the connection is not there, in words; null while it is, or is being opened.
  #whyOver() {
    if (!this.lab.feed.hello || this.#socket?.readyState !== WebSocket.CLOSED) return null;
    return this.#end ? this.state() : this.#refusal ?? t('notOpened');
  }

  // The line is lost, and with it the connection.
  lose() {
    this.#showInside();
  }

  element() {
    const text = el('input', { id: 'message', value: 'Grüße 你好', autocomplete: 'off' });
    const ping = el('button', { type: 'button', id: 'ping', onclick: () => this.#ifOpen(() => this.#ping()) }, t('ping'));
    const close = el('button', { type: 'button', id: 'close', onclick: () => this.#ifOpen(socket => socket.close(1000, 'bye')) },
      t('close'));
    const send = el('button', { class: 'main', id: 'own-send' }, t('send'));
    this.live = [send, ping, close];
    return el('div', { class: 'own' },
      this.inside.element(),
      el('form', { class: 'buttons', onsubmit: event => { event.preventDefault(); this.#send(text.value); } },
        field(t('message'), text), send, ping, close,
        el('button', { type: 'button', id: 'reopen', onclick: () => this.#reopen() }, t('open')),
        sharing(this.lab, () => this.connection, loaded => { this.loaded = loaded; return this.refresh(); })),
      el('h2', {}, t('unitsOf')), this.list.element, this.detail);
  }

  shown() {
    this.#showInside();
    if (this.inside.parts.includes(this.#wanted)) {
      arriveAt(document.querySelector(`#${this.#wanted} summary`));
      this.#wanted = '';
    }

    return this.refresh();
  }

  // A place in this view: how Accept was made, or a part of what lies inside.
  visit(place) {
    const isPart = this.inside.parts.includes(place);
    this.#wanted = isPart || place === 'accept' ? place : '';
    if (isPart) this.inside.open(place);
    return !place || this.#wanted !== '';
  }

  // Bytes that the address names, if they are among those that are shown.
  reach({ bytes, from, note }) {
    const index = this.units.findIndex(unit => unit.bytes === bytes && unit.from === from);
    if (index < 0) return false;
    this.#follow = false;
    this.#choose(index, note, false);
    return true;
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
    this.list.show(this.units, trace.bytesLeftOut + trace.conversation.unitsLeftOut);
    const isNew = !this.detail.firstChild || this.lang !== language();
    const accept = this.#wanted === 'accept' ? this.units.findIndex(unit => unit.accept) : -1;
    if (accept >= 0) {
      this.#choose(accept, 0, false);
      [this.#wanted, this.#follow] = ['', false];
      arriveAt(this.detail.querySelector('#accept'));
    } else if (this.#follow || isNew) this.#choose(Math.min(this.#chosen, this.units.length - 1), this.note ?? 0, false);
    else this.list.mark(this.#chosen);
    this.lang = language();
  }

  #choose(index, note, tell = true) {
    const unit = this.units[index];
    if (!unit) return;
    [this.#chosen, this.note] = [index, note];
    this.list.mark(index);
    const place = chosen => {
      this.#follow = false;
      this.note = chosen;
      this.lab.remember({ bytes: unit.bytes, from: unit.from, note: chosen, context: contextOf(this.#conversation, unit) });
    };
    showUnit(this.detail, unit, { note, chosen: place });
    if (tell) place(note);
    if (tell) this.#wanted = '';
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

  // What needs an open connection looks so; who presses it all the same is told why nothing happens.
  #showInside() {
    this.inside.update(this.lab.watched.connections.get(this.connection), this.#whyOver());
    const isOpen = Boolean(this.lab.feed.hello) && this.#socket?.readyState === WebSocket.OPEN;
    for (const button of this.live ?? []) button.setAttribute('aria-disabled', String(!isOpen));
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
