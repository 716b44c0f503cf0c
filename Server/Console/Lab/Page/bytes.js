// Bytes and hexadecimal.

export const toBytes = hex => Uint8Array.from(hex.match(/../g) ?? [], pair => parseInt(pair, 16));

export const toHex = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');

// Pairs of digits out of what somebody has typed; null if there is something else in it.
export function readHex(text) {
  const plain = text.replace(/0x|[\s:,]/gi, '');
  return /^([0-9a-f]{2})*$/i.test(plain) ? plain.toLowerCase() : null;
}

export const bitsOf = byte => byte.toString(2).padStart(8, '0');

// The character of a byte that is printed; of a space and a line's end a sign; a dot for any other.
export const printable = byte =>
  byte > 32 && byte < 127 ? String.fromCharCode(byte) : { 32: '␣', 13: '\\r', 10: '\\n' }[byte] ?? '·';

// UTF-8, character by character: where it begins, how many bytes it has, and what it is ('�' for what is not UTF-8).
export function characters(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at];
    let length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
    let text = new TextDecoder().decode(bytes.subarray(at, at + length));
    if ([...text].length !== 1) [length, text] = [1, '�'];
    found.push({ at, length, text });
    at += length;
  }
  return found;
}
