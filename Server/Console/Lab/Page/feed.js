// The page's line to the server: /lab/feed. Requests are answered one after the other; what is watched is told as it happens. A line that
// is lost is opened again, after a pause that doubles each time.

import { t } from '/lab/words.js';

const firstPause = 1000, longestPause = 30000, beatWithoutHeartbeat = 20000;

export class Feed {
  #socket = null;
  #waiting = new Map();
  #lastId = 0;
  #binary = null;
  #beat = 0;
  #pause = firstPause;
  hello = null; // what the server has said of itself; null while there is no line
  onhello = () => {};
  onevents = () => {};
  onway = () => {};
  onlost = () => {};

  open() {
    const socket = new WebSocket(address('/lab/feed'), 'rawws.lab.v1');
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onmessage = event => { if (socket === this.#socket) this.#onMessage(event.data); };
    socket.onclose = event => this.#lose(socket, event);
  }

  // Asks, and gives the answer; with pcapng the bytes that follow it.
  ask(request) {
    const id = ++this.#lastId;
    return new Promise((give, refuse) => {
      if (!this.hello || this.#socket?.readyState !== WebSocket.OPEN) return refuse(new Error(t('noLine')));
      this.#waiting.set(id, { give, refuse });
      this.#socket.send(JSON.stringify({ id, ...request }));
    });
  }

  #onMessage(data) {
    if (typeof data !== 'string') return this.#binary?.(data);
    const message = JSON.parse(data);
    if (message.hello) return this.#onHello(message.hello);
    if (message.events) return this.onevents(message.events);
    if (message.way) return this.onway({ ...message.way, left: message.left });
    const waiting = this.#waiting.get(message.id);
    if (!waiting) return;
    this.#waiting.delete(message.id);
    if (message.error) waiting.refuse(new Error(message.error));
    else if (message.pcapng !== undefined) this.#binary = waiting.give;
    else waiting.give(message);
  }

  // The server's heartbeat wants a sign of life. And whoever does not answer one before the next is due is not there any more: a line can
  // be lost without a word.
  #onHello(hello) {
    [this.hello, this.#pause] = [hello, firstPause];
    const socket = this.#socket;
    let isAnswered = true;
    this.#beat = setInterval(() => {
      if (!isAnswered) return this.#lose(socket, { code: 1006, reason: '' });
      isAnswered = false;
      this.ask({ do: 'alive' }).then(() => { isAnswered = true; }).catch(() => {});
    }, hello.heartbeat > 0 ? hello.heartbeat / 3 : beatWithoutHeartbeat);
    this.onhello(hello);
  }

  #lose(socket, { code, reason }) {
    if (socket !== this.#socket) return;
    clearInterval(this.#beat);
    const wasOpen = this.hello !== null;
    [this.#socket, this.hello, this.#binary] = [null, null, null];
    socket.close();
    for (const { refuse } of this.#waiting.values()) refuse(new Error(t('noLine')));
    this.#waiting.clear();
    const pause = this.#pause;
    this.#pause = Math.min(2 * pause, longestPause);
    setTimeout(() => this.open(), pause);
    this.onlost({ code, reason, pause });
    if (!wasOpen && code === 1006) this.#askWhy(pause);
  }

  // A browser says 1006 of every refusal. So the server is asked again, with a subprotocol for which it says in a Close what it would have
  // answered.
  #askWhy(pause) {
    const socket = new WebSocket(address('/lab/feed'), ['rawws.lab.v1', 'rawws.why.v1']);
    socket.onmessage = () => socket.close();
    socket.onclose = event => {
      if (event.code === 1008 && !this.hello) this.onlost({ code: event.code, reason: event.reason, pause });
    };
  }
}

export const address = path => `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`;
