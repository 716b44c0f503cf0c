// The page's line to the server: /lab/feed. Requests are answered one after the other; what is watched is told as it happens.

export class Feed {
  #socket;
  #waiting = new Map();
  #lastId = 0;
  #binary = null;
  hello = null;
  onhello = () => {};
  onevents = () => {};
  onway = () => {};
  onend = () => {};

  open() {
    this.#socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/lab/feed`, 'rawws.lab.v1');
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.onmessage = event => this.#onMessage(event.data);
    this.#socket.onclose = event => {
      for (const { refuse } of this.#waiting.values()) refuse(new Error('closed'));
      this.#waiting.clear();
      this.onend(event);
    };
  }

  // Asks, and gives the answer; with pcapng the bytes that follow it.
  ask(request) {
    const id = ++this.#lastId;
    return new Promise((give, refuse) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) return refuse(new Error('closed'));
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

  // The server's heartbeat wants a sign of life.
  #onHello(hello) {
    this.hello = hello;
    if (hello.heartbeat > 0) setInterval(() => this.ask({ do: 'alive' }).catch(() => {}), hello.heartbeat / 3);
    this.onhello(hello);
  }
}
