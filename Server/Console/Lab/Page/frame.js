// What somebody builds: a frame, also one that breaks rules, and the pieces in which bytes are sent.

import { readHex, toBytes } from '/lab/bytes.js';
import { t } from '/lab/words.js';

// The pieces of a text: a line is a piece, in hexadecimal, and "pause 200" waits before the next one. Throws, with the line that is wrong.
export function readPieces(text) {
  const chunks = [];
  let pause = 0;
  for (const line of text.split('\n').map(one => one.trim()).filter(Boolean)) {
    const wait = /^pause\s+(\d+)$/i.exec(line), bytes = wait ? '' : readHex(line);
    if (bytes === null) throw new Error(`${t('hexWrong')} ${line}`);
    if (wait) {
      pause += Number(wait[1]);
    } else {
      chunks.push({ bytes, pause });
      pause = 0;
    }
  }
  return chunks;
}

// Which field of a frame is wrong, and what is wrong with it; null if nothing is.
export function problemOf({ masked, key, said, hex }) {
  if (masked && readHex(key)?.length !== 8) return { field: 'key', text: t('keyWrong', key.trim()) };
  if (!/^\d*$/.test(said.trim()) || BigInt(said.trim()) >= 1n << 64n) return { field: 'said', text: t('lengthWrong', said.trim()) };
  return readHex(hex) === null ? { field: 'hex', text: t('hexWrong') } : null;
}

// The bytes of a frame in which nothing is wrong.
export function makeFrame({ fin, rsv1, rsv2, rsv3, opcode, masked, key, form, said, text, hex }) {
  const payload = hex.trim() ? toBytes(readHex(hex)) : new TextEncoder().encode(text), keyBytes = masked ? toBytes(readHex(key)) : [];
  const length = said.trim() ? BigInt(said.trim()) : BigInt(payload.length);
  const bits = form !== 'auto' ? Number(form) : length <= 125n ? 7 : length <= 65535n ? 16 : 64;
  const first = (fin << 7) | (rsv1 << 6) | (rsv2 << 5) | (rsv3 << 4) | opcode;
  const second = (masked << 7) | (bits === 7 ? Number(length & 127n) : bits === 16 ? 126 : 127);
  const extended = [];
  for (let shift = bits === 7 ? 0 : bits; shift > 0; shift -= 8) extended.push(Number((length >> BigInt(shift - 8)) & 255n));
  return Uint8Array.from([first, second, ...extended, ...keyBytes,
    ...payload.map((byte, i) => masked ? byte ^ keyBytes[i % 4] : byte)]);
}
