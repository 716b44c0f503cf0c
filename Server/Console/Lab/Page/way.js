// The way of a message through the router, as it is drawn: from the frame that came to the frames that went out.

import { el } from '/lab/dom.js';
import { toBytes } from '/lab/bytes.js';
import { t } from '/lab/words.js';

// `errors` are what senders have been sent back.
export function drawWay(way, lab, errors) {
  const bytes = toBytes(way.bytes), { colon } = way;
  const split = colon === undefined ? el('p', {}, t('wayNoColon'))
    : el('p', { class: 'split' }, el('b', { class: 'address' }, utf8(bytes.subarray(0, colon))), el('b', {}, ':'),
      el('span', {}, shortened(utf8(bytes.subarray(colon + 1)))));
  const found = way.problem ? el('p', { class: 'rule' }, t('wayProblem', way.problem))
    : way.toAll ? el('p', {}, t('wayAll'))
      : el('p', {}, way.receivers.map(id => el('span', { class: 'chip' }, `#${id}`)), way.others && ` ${t('wayOthers')}`,
        way.receivers.length === 0 && !way.others && t('wayNobody'));
  return el('ol', { class: 'route' }, [
    [t('way1', way.uid || t('noUid'), way.connection),
      el('p', {}, t(way.isText ? 'frame1' : 'frame2'), ', ', t('bytesUnit', way.length))],
    [t('way2'), split],
    [t('way3'), found],
    [t('way4'), arrived(way, lab.watched, errors)],
  ].map(([title, content]) => el('li', {}, el('h3', {}, title), content)));
}

// What the wire has seen since: the body's frame on each receiver, or an error on the sender.
function arrived(way, watched, errors) {
  const bodyLength = way.length - (way.colon ?? 0) - 1;
  const rows = watched.rows.filter(row => row.kind === 'frameSent' && row.at >= way.at && row.opcode < 8);
  const isTo = row => way.toAll ? !watched.isApart(row.connection) : way.receivers?.includes(row.connection);
  const got = rows.filter(row => (row.compressed || row.payloadLength === bodyLength) && isTo(row));
  const ids = [...new Set(got.map(row => row.connection))];
  const error = way.problem ?? (way.receivers?.length === 0 && !way.others ? 'offline' : null);
  if (error) return el('p', { class: 'rule' }, t('wayBack', way.uid || `#${way.connection}`, error));
  const address = utf8(toBytes(way.bytes).subarray(0, way.colon ?? 0));
  const back = errors.find(one => one.uid === way.uid && one.text === `error:too-slow:${address}`);
  return [el('p', {}, ids.map(id => el('span', { class: 'chip fine' }, `✓ #${id}`)), ids.length === 0 && t('wayNotYet')),
    ids.length === 0 && back && el('p', { class: 'rule' }, t('wayBackTimes', way.uid, back.text, back.times))];
}

export const utf8 = bytes => new TextDecoder().decode(bytes);

export const shortened = (text, most = 24) => text.length > most ? `${text.slice(0, most)}…` : text;
