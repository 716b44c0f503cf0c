// What the feed has told of each connection: bytes of both directions, frames, phase, timer, queue. It is bounded: the oldest goes.

import { toHex, toBytes } from '/lab/bytes.js';

const rowsMax = 600, connectionsMax = 16, streamBytesMax = 64 * 1024;

export class Watched {
  connections = new Map();
  rows = []; // of the timeline
  left = 0; // events and bytes that were not told
  changed = new Set();

  add(events) {
    for (const event of events) this.#add(event);
    if (this.rows.length > rowsMax) this.rows.splice(0, this.rows.length - rowsMax);
    for (const listener of this.changed) listener(events);
  }

  // The bytes of a frame in hexadecimal, or null if they are not there.
  bytesOf(row) {
    const stream = this.connections.get(row.connection)?.[row.from];
    const end = row.offset + row.headerLength + row.payloadLength;
    return stream && end <= stream.length ? toHex(stream.slice(row.offset, end)) : null;
  }

  #add(event) {
    if (event.kind === 'lost') {
      this.left += event.lost;
      return;
    }
    const known = this.#of(event.connection);
    known.last = event.at;
    switch (event.kind) {
      case 'begun': known.timer = event.tick ? timer(event) : null; break;
      case 'received': keep(known, 'client', event); break;
      case 'sent': keep(known, 'server', event); break;
      case 'opened': known.extensions = event.extensions; break;
      case 'phaseChanged': Object.assign(known, { phase: event.phase, cause: event.cause, code: event.code, rule: event.rule }); break;
      case 'timerArmed': known.timer = timer(event); break;
      case 'queue': known.queued = event.queued; break;
      case 'ended': Object.assign(known, { ended: true, phase: 'ended', timer: null }); break;
    }
    this.#addRow(known, event);
  }

  #addRow(known, event) {
    const from = event.kind === 'frameSent' ? 'server' : event.kind === 'queue' || event.kind === 'phaseChanged' ? '' : 'client';
    if (!['frameReceived', 'frameSent', 'ruleBroken', 'phaseChanged', 'queue', 'request', 'answered'].includes(event.kind)) return;
    const row = { ...event, from };
    const { opcode } = event;
    if (opcode === 9) known.pings[from] = event.at;
    const asked = known.pings[from === 'client' ? 'server' : 'client'];
    if (opcode === 10 && asked !== undefined) {
      row.rtt = event.at - asked;
      known.rtt = row.rtt;
      delete known.pings[from === 'client' ? 'server' : 'client'];
    }
    if (opcode === 0) row.fragment = ++known.fragments[from];
    else if (opcode < 8) known.fragments[from] = row.fragment = event.fin ? 0 : 1;
    this.rows.push(row);
  }

  #of(id) {
    let known = this.connections.get(id);
    if (known) return known;
    known = { id, client: [], server: [], phase: 'handshake', timer: null, queued: 0, pings: {}, fragments: { client: 0, server: 0 } };
    this.connections.set(id, known);
    if (this.connections.size > connectionsMax) this.connections.delete(this.connections.keys().next().value);
    return known;
  }
}

function keep(known, from, event) {
  const stream = known[from];
  if (event.offset === stream.length && stream.length < streamBytesMax) for (const byte of toBytes(event.bytes)) stream.push(byte);
}

// When it comes due by this page's clock, for which tick of the server's wheel, and how many ticks ahead that was.
function timer({ deadline, due, tick }) {
  return { deadline, at: performance.now() + due, tick, ahead: Math.ceil(due / 16) };
}
