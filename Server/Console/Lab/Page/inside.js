// What the server does with a connection: its phase in the order of the phase table, its timer as a countdown, and what waits for it.

import { el } from '/lab/dom.js';
import { t } from '/lab/words.js';

const phases = ['handshake', 'open', 'closing', 'draining', 'ended'];

export function inside(known) {
  const left = known.timer ? Math.max(0, (known.timer.at - performance.now()) / 1000).toFixed(1) : null;
  return el('dl', {},
    el('div', {}, el('dt', {}, t('phase')), el('dd', {}, el('ol', { class: 'phases' },
      phases.map(phase => el('li', phase === known.phase ? { class: 'chosen', 'aria-current': 'step' } : {}, t('phases', phase)))))),
    left && el('div', {}, el('dt', {}, t('timer')), el('dd', {}, t('dueIn', t('deadlines', known.timer.deadline), left))),
    known.rtt !== undefined && el('div', {}, el('dt', {}, t('rtt')), el('dd', {}, `${known.rtt.toFixed(2)} ms`)),
    known.queued > 0 && el('div', {}, el('dt', {}, t('queued')), el('dd', {}, t('bytesUnit', known.queued))));
}

export function ended(known) {
  if (!known.cause) return null;
  const code = known.code ? ` ${known.code}` : '', rule = known.rule ? ` ${known.rule}` : '';
  return el('p', { class: 'end' }, t('ended', `${known.cause}${code}${rule}`));
}
