// What the feed has told of each connection: bytes of both directions, frames, phase, timer, queue. It is bounded: the oldest goes.

import { toHex, toBytes } from '/lab/bytes.js';
import { deflateOf, needed } from '/lab/context.js';

const rowsMax = 600, connectionsMax = 16, streamBytesMax = 64 * 1024, headBytesMax = 4096;

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

  // Behind another line the server may count connections anew.
  reset() {
    this.connections.clear();
    [this.rows, this.left] = [[], 0];
  }

  // What the request of a connection asks for; null if that is not known.
  targetOf(id) {
    const head = String.fromCharCode(...(this.connections.get(id)?.client ?? []).slice(0, headBytesMax));
    const target = /^GET (\/\S*) HTTP/.exec(head)?.[1];
    return target && URL.canParse(target, location.origin) ? new URL(target, location.origin) : null;
  }

  // Whether it is a connection of the Lab's own, which has no uid and gets no message to all.
  isApart(id) {
    const known = this.connections.get(id);
    return Boolean(known?.endpoint?.startsWith('/lab/') && !known.uid);
  }

  // What a frame needs before it; null if some of it is not there any more.
  contextOf(row) {
    const { connection, from } = row, known = this.connections.get(connection), deflate = deflateOf(known?.extensions, from);
    const end = this.rows.indexOf(row);
    if (end < 0) return { before: null, deflate };
    const earlier = this.rows.slice(0, end).filter(one => one.connection === connection && one.from === from && isFrame(one));
    const last = deflate === 'takeover' ? -1 : earlier.findLastIndex(one => one.fin && one.opcode < 8);
    const first = last < 0 ? known?.begins[from] : endOf(earlier[last]), frames = earlier.slice(last + 1);
    const isWhole = [...frames, row].every((one, at, all) => one.offset === (at === 0 ? first : endOf(all[at - 1])));
    return { before: isWhole ? needed(frames.map(one => ({ ...one, bytes: this.bytesOf(one) })), deflate) : null, deflate };
  }

  // The bytes of a frame in hexadecimal, or null if they are not there.
  bytesOf(row) {
    const stream = this.connections.get(row.connection)?.[row.from];
    const end = endOf(row);
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
      case 'received':
        keep(known, 'client', event);
        known.latest = event;
        break;
      case 'sent': keep(known, 'server', event); break;
      case 'opened': Object.assign(known, { extensions: event.extensions, endpoint: event.endpoint, uid: event.uid }); break;
      case 'named': known.uid = event.uid; break;
      case 'phaseChanged': Object.assign(known, { phase: event.phase, cause: event.cause, code: event.code, rule: event.rule }); break;
      case 'timerArmed': known.timer = timer(event); break;
      case 'queue': known.queued = event.queued; break;
      case 'tcpEnded': known.tcp.push(event.tcp); break;
      case 'ended': Object.assign(known, { ended: true, phase: 'ended', timer: null }); break;
    }
    this.#addRow(known, event);
  }

  #addRow(known, event) {
    if (!(event.kind in senders)) return;
    const from = event.tcp ? tcpSenders[event.tcp] : senders[event.kind];
    const row = { ...event, from };
    if (isFrame(row)) known.begins[from] ??= row.offset;
    if (event.kind === 'frameReceived') row.isAlive = isAlive(row, known.latest);
    if (event.kind === 'tcpEnded') row.isFirst = known.tcp.length === 1;
    const { opcode } = event;
    if (opcode === 9) known.pings[from] = event.at;
    const asked = known.pings[from === 'client' ? 'server' : 'client'];
    if (opcode === 10 && asked !== undefined) {
      row.rtt = event.at - asked;
      known.rtt = row.rtt;
      if (from === 'client' && known.timer) known.timer.isAnswered = true;
      delete known.pings[from === 'client' ? 'server' : 'client'];
    }
    if (opcode === 0) row.fragment = ++known.fragments[from];
    else if (opcode < 8) known.fragments[from] = row.fragment = event.fin ? 0 : 1;
    this.rows.push(row);
  }

  #of(id) {
    let known = this.connections.get(id);
    if (known) return known;
    known = { id, client: [], server: [], phase: 'handshake', timer: null, queued: 0, pings: {}, fragments: { client: 0, server: 0 },
      begins: {}, // where the first frame of each sender begins
      latest: null, // of what was received
      tcp: [] }; // how it has ended, in the order in which the server saw it
    this.connections.set(id, known);
    if (this.connections.size > connectionsMax) this.#forget();
    return known;
  }

  // The oldest goes, and before it those that have ended: the reader's own connection may be older than all that he has tried.
  #forget() {
    const ids = [...this.connections.keys()];
    this.connections.delete(ids.find(id => this.connections.get(id).ended) ?? ids[0]);
  }
}

// Whose doing a row of the timeline is; '' for what happens inside of the server. Where a connection opens, its request is answered
// with 101.
const senders = { request: 'client', opened: 'server', answered: 'server', frameReceived: 'client', frameSent: 'server',
  ruleBroken: 'client', phaseChanged: '', queue: '', tcpEnded: '' };

const tcpSenders = { ownFin: 'server', ownReset: 'server', peerFin: 'client', peerReset: 'client' };

const endOf = frame => frame.offset + frame.headerLength + frame.payloadLength;

const isFrame = row => row.kind === 'frameReceived' || row.kind === 'frameSent';

// Whether a frame is a message that a router delivers to nobody, because it only says that somebody is there: an empty one, or one of two
// texts. It lies in what was received last; a compressed one can be told only if it is empty, which is one byte then.
function isAlive({ fin, opcode, compressed, masked, offset, headerLength, payloadLength }, latest) {
  if (!fin || opcode === 0 || opcode >= 8) return false;
  if (payloadLength === (compressed ? 1 : 0)) return true;
  if (opcode !== 1 || compressed || !masked || payloadLength !== 4 || !latest) return false;
  const at = offset - latest.offset, frame = toBytes(latest.bytes).subarray(at, at + headerLength + payloadLength);
  if (at < 0 || frame.length < headerLength + payloadLength) return false;
  return ['ping', 'pong'].includes(String.fromCharCode(...frame.subarray(headerLength)
    .map((byte, i) => byte ^ frame[headerLength - 4 + i])));
}

function keep(known, from, event) {
  const stream = known[from];
  if (event.offset === stream.length && stream.length < streamBytesMax) for (const byte of toBytes(event.bytes)) stream.push(byte);
}

// When it comes due by this page's clock, for which tick of the server's wheel, and how many ticks ahead that was.
function timer({ deadline, due, tick }) {
  return { deadline, at: performance.now() + due, tick, ahead: Math.ceil(due / 16) };
}
