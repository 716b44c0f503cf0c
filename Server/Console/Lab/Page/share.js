// What was seen, to keep: as JSON, which can be loaded here again, and as pcapng for other tools.

import { el } from '/lab/dom.js';
import { toHex, toBytes } from '/lab/bytes.js';
import { t } from '/lab/words.js';

const format = 'rawws.lab.trace.v1';

export function sharing(lab, connection, loaded) {
  const file = el('input', { type: 'file', accept: '.json', class: 'hidden', id: 'load', 'aria-label': t('load'),
    onchange: () => load(lab, file.files[0], loaded) });
  return el('span', { class: 'buttons' },
    el('button', { type: 'button', id: 'save-json', onclick: () => saveJson(lab, connection()) }, `${t('save')} ${t('saveJson')}`),
    el('button', { type: 'button', id: 'save-pcap', onclick: () => savePcap(lab, connection()) }, `${t('save')} ${t('savePcap')}`),
    el('button', { type: 'button', onclick: () => file.click() }, t('load')), file);
}

function saveJson(lab, connection) {
  const known = lab.watched.connections.get(connection);
  if (!known) return;
  const text = JSON.stringify({ format, client: toHex(known.client), server: toHex(known.server) }, null, 2);
  keep(new Blob([text], { type: 'application/json' }), `rawws-${connection}.json`);
}

async function savePcap(lab, connection) {
  const bytes = await lab.feed.ask({ do: 'trace', connection, form: 'pcapng' });
  keep(new Blob([bytes]), `rawws-${connection}.pcapng`);
}

async function load(lab, file, loaded) {
  try {
    const { format: found, client, server } = JSON.parse(await file.text());
    if (found !== format || toHex(toBytes(client)) !== client || toHex(toBytes(server)) !== server) throw new Error(file.name);
    await loaded({ client, server });
    lab.say(t('loaded', file.name));
  } catch (error) {
    lab.say(error.message);
  }
}

function keep(blob, name) {
  const link = el('a', { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
