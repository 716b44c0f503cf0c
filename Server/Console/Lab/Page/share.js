// What was seen, to keep: as JSON, which can be loaded here again, and as pcapng for other tools.

import { el } from '/lab/dom.js';
import { toHex } from '/lab/bytes.js';
import { t } from '/lab/words.js';

const format = 'rawws.lab.trace.v1';

export function sharing(lab, connection, loaded) {
  // Chosen again, the same file is loaded again.
  const file = el('input', { type: 'file', accept: '.json', class: 'hidden', id: 'load', 'aria-label': t('load'),
    onchange: () => { load(lab, file.files[0], loaded).finally(() => { file.value = ''; }); } });
  const button = (id, name, save) => el('button', { type: 'button', id, onclick: () => {
    save(lab, connection()).catch(error => lab.say(error.message));
  } }, name);
  return el('span', { class: 'buttons' }, button('save-json', t('saveJson'), saveJson), button('save-pcap', t('savePcap'), savePcap),
    el('button', { type: 'button', onclick: () => file.click() }, t('load')), file);
}

async function saveJson(lab, connection) {
  const known = lab.watched.connections.get(connection);
  if (!known) throw new Error(t('nothingToSave'));
  const text = JSON.stringify({ format, client: toHex(known.client), server: toHex(known.server) }, null, 2);
  keep(new Blob([text], { type: 'application/json' }), `rawws-${connection}.json`);
}

async function savePcap(lab, connection) {
  if (connection === null) throw new Error(t('nothingToSave'));
  const bytes = await lab.feed.ask({ do: 'trace', connection, form: 'pcapng' });
  keep(new Blob([bytes]), `rawws-${connection}.pcapng`);
}

async function load(lab, file, loaded) {
  if (!file) return;
  try {
    const trace = parse(await file.text());
    await loaded(trace);
    lab.say(t('loaded', file.name));
  } catch (error) {
    lab.say(error instanceof WrongTrace ? t('loadWrong', file.name, error.message, format) : error.message);
  }
}

class WrongTrace extends Error {}

// Throws, with what is wrong and where.
function parse(text) {
  let trace;
  try {
    trace = JSON.parse(text);
  } catch (error) {
    // Of what the engine says the place is taken, if it is there, and nothing else.
    const place = /position (\d+)/.exec(error.message), line = /line (\d+) column (\d+)/.exec(error.message);
    throw new WrongTrace(place ? t('noJsonAt', Number(place[1]) + 1) : line ? t('noJsonIn', line[1], line[2]) : t('noJson'));
  }
  if (trace?.format !== format) throw new WrongTrace(t('wrongMember', 'format'));
  for (const name of ['client', 'server']) {
    const hex = trace[name];
    if (typeof hex !== 'string') throw new WrongTrace(t('wrongMember', name));
    const good = /^([0-9a-f]{2})*/i.exec(hex)[0].length;
    if (good < hex.length) throw new WrongTrace(t('wrongHex', name, good + 1));
  }
  return { client: trace.client.toLowerCase(), server: trace.server.toLowerCase() };
}

function keep(blob, name) {
  const link = el('a', { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
