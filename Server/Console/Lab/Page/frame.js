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

// The bytes of a frame; null if a field is no hexadecimal or no number.
export function makeFrame({ fin, rsv1, rsv2, rsv3, opcode, masked, key, form, said, text, hex }) {
  const keyHex = readHex(key), payloadHex = readHex(hex);
  if (keyHex?.length !== 8 || payloadHex === null || !/^\d*$/.test(said.trim())) return null;
  const payload = hex.trim() ? toBytes(payloadHex) : new TextEncoder().encode(text), keyBytes = toBytes(keyHex);
  const length = said.trim() ? BigInt(said.trim()) : BigInt(payload.length);
  if (length >= 1n << 64n) return null;
  const bits = form !== 'auto' ? Number(form) : length <= 125n ? 7 : length <= 65535n ? 16 : 64;
  const first = (fin << 7) | (rsv1 << 6) | (rsv2 << 5) | (rsv3 << 4) | opcode;
  const second = (masked << 7) | (bits === 7 ? Number(length & 127n) : bits === 16 ? 126 : 127);
  const extended = [];
  for (let shift = bits === 7 ? 0 : bits; shift > 0; shift -= 8) extended.push(Number((length >> BigInt(shift - 8)) & 255n));
  return Uint8Array.from([first, second, ...extended, ...(masked ? keyBytes : []),
    ...payload.map((byte, i) => masked ? byte ^ keyBytes[i % 4] : byte)]);
}
