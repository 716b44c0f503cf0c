// What a frame needs, so that it is judged alone as it was in its place: whether permessage-deflate was agreed on, and the bytes before it.

// How a sender's messages are compressed, as Sec-WebSocket-Extensions of the answer says it: 'alone', each for itself; 'takeover', they
// refer to earlier ones; '' not at all.
export function deflateOf(extensions, from) {
  if (!extensions?.includes('permessage-deflate')) return '';
  return extensions.includes(`${from}_no_context_takeover`) ? 'alone' : 'takeover';
}

// Of a sender's earlier frames those that are needed, in hexadecimal; null if some of them are not there. A frame has its opcode, whether
// it is the last of its message, and its bytes, which are null if they are not kept.
export function needed(frames, deflate) {
  let bytes = '', isOpen = false;
  for (const frame of frames) {
    bytes = bytes === null || frame.bytes === null ? null : bytes + frame.bytes;
    if (frame.opcode < 8) isOpen = !frame.fin;
    if (!isOpen && deflate !== 'takeover') bytes = '';
  }
  return bytes;
}

// What a unit of a conversation needs. Where the conversation has no response, `assumed` says how messages are compressed.
export function contextOf({ units }, unit, assumed = '') {
  if (unit.kind !== 'frame') return { before: '', deflate: '' };
  const response = units.find(one => one.kind === 'response');
  const agreed = response?.annotations.filter(note => note.field === 'value of Sec-WebSocket-Extensions').map(note => note.value).join();
  const deflate = response ? deflateOf(agreed, unit.from) : assumed;
  const frames = units.filter(one => one.from === unit.from && one.kind === 'frame' && one.offset < unit.offset);
  // Of many frames some are left out.
  const head = units.find(one => one.from === unit.from && ['request', 'response'].includes(one.kind));
  const isFirst = !head || (frames[0] ?? unit).offset === head.offset + head.length;
  const isWhole = isFirst && frames.every((one, at) => one.offset + one.length === (frames[at + 1] ?? unit).offset);
  const before = needed(frames.map(one => {
    const first = parseInt(one.bytes.slice(0, 2), 16);
    return { opcode: first & 15, fin: first >= 0x80, bytes: one.bytes };
  }), deflate);
  return { before: isWhole ? before : null, deflate };
}

// The members of a request to explain bytes that come after these.
export const asked = ({ before, deflate }, bytes) =>
  ({ do: 'explain', bytes: before + bytes, ...(deflate ? { deflate: true, takeover: deflate === 'takeover' } : {}) });
