// The driver of ws (Node.js): its Receiver, a stream that each arrival is written to. What it prints is told in c/drive.h.
//   node drive.mjs NODE_MODULES CORPUS WIRE...
// The receiver unmasks in place and keeps what it was given, as it may with what a socket gives it: each arrival is a buffer of its own.
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const WARM_UP_NS = 1e9;
const SAMPLE_NS = 60e6;
const SAMPLES = 8;

const [modules, corpus, ...wires] = process.argv.slice(2);
const require = createRequire(join(modules, 'x.js'));
const Receiver = require(join(modules, 'ws/lib/receiver.js'));
const Sender = require(join(modules, 'ws/lib/sender.js'));
const version = require(join(modules, 'ws/package.json')).version;

const read = (name, ending) => readFileSync(join(corpus, `${name}.${ending}`));

function load(name) {
  const lengths = read(name, 'arrivals');
  const arrivals = [];
  for (let i = 0; i < lengths.length; i += 4) arrivals.push(lengths.readUInt32LE(i));
  return { wire: read(name, 'wire'), arrivals, messages: read(name, 'messages'), pongs: read(name, 'pongs') };
}

class Connection {
  constructor(keeps) {
    this.messages = [];
    this.sent = [];
    this.counted = 0;
    this.refusal = null;
    this.receiver = new Receiver({ isServer: true, maxPayload: 64 << 20 });
    this.receiver.on('message', (data, isBinary) => {
      this.counted += data.length;
      if (!keeps) return;
      const head = Buffer.alloc(5);
      head[0] = isBinary ? 2 : 1;
      head.writeUInt32LE(data.length, 1);
      this.messages.push(head, data);
    });
    this.receiver.on('ping', (data) => {
      const frame = Sender.frame(data, { fin: true, rsv1: false, opcode: 0x0a, mask: false, readOnly: true });
      this.counted += frame.length;
      if (keeps) this.sent.push(...frame);
    });
    this.receiver.on('error', (error) => (this.refusal = error));
  }

  feed({ wire, arrivals }) {
    let at = 0;
    for (const length of arrivals) {
      const arrival = Buffer.allocUnsafe(length);
      wire.copy(arrival, 0, at, at + length);
      this.receiver.write(arrival);
      at += length;
    }
  }
}

// What a stream has put off until its next turn.
const turn = () => new Promise(setImmediate);

async function mistake(from) {
  const connection = new Connection(true);
  for (let round = 0; round < 2; round++) {
    connection.messages = [];
    connection.sent = [];
    connection.feed(from);
    await turn();
    if (connection.refusal) return `refused: ${connection.refusal.message}`;
    if (!Buffer.concat(connection.messages).equals(from.messages)) return 'other messages';
    if (!Buffer.concat(connection.sent).equals(from.pongs)) return 'other Pongs';
  }
  return null;
}

async function measure(name) {
  const from = load(name);
  const connection = new Connection(false);
  const run = async (enough) => {
    const begun = process.hrtime.bigint();
    let rounds = 0;
    let ns;
    do {
      connection.feed(from);
      rounds++;
      // A tick now and then, as between a socket's reads.
      if (rounds % 8 === 0) await turn();
    } while ((ns = Number(process.hrtime.bigint() - begun)) < enough);
    return ns / rounds;
  };
  await run(WARM_UP_NS);
  const times = [];
  for (let i = 0; i < SAMPLES; i++) times.push(await run(SAMPLE_NS));
  const mean = times.reduce((a, b) => a + b) / SAMPLES;
  const variance = times.reduce((a, b) => a + (b - mean) ** 2, 0) / (SAMPLES - 1);
  console.log(`time\t${name}\t${mean.toFixed(1)}\t${Math.sqrt(variance).toFixed(1)}`);
}

const names = (directory) =>
  readdirSync(directory).filter((name) => name.endsWith('.wire')).map((name) => name.slice(0, -5)).sort();

async function main() {
  console.log(`parser\tws (Node.js)\t${version}, node ${process.version}`);
  for (const name of names(corpus)) {
    // Minutes, for a wire whose kind the smaller ones have: one byte after the other of 1 MiB.
    if (name.endsWith('bytebybyte-1048576')) continue;
    const why = await mistake(load(name));
    if (why === null) continue;
    console.log(`wrong\t${name}\t${why}`);
    return;
  }
  console.log('right');
  for (const name of names(join(corpus, 'broken'))) {
    const connection = new Connection(true);
    const wire = readFileSync(join(corpus, 'broken', `${name}.wire`));
    connection.feed({ wire, arrivals: [wire.length] });
    await turn();
    if (!connection.refusal) console.log(`accepts\t${name}`);
  }
  for (const name of wires) await measure(name);
}

await main();
