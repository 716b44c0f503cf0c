// Firefox on the Lab's page, driven by WebDriver BiDi, which Firefox itself serves over a WebSocket, here through ws: no driver is needed.
// The main path, once: the own connection, a byte with its sentence, a rule's example tried, the router, a frame's verdict byte by byte.
// Prints what was seen, a line each; what the page complained about begins with "complaint".
//   node firefox.mjs PATH_OF_FIREFOX URL_OF_THE_LAB
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import WebSocket from 'ws';

const [firefox, url] = process.argv.slice(2);
const patience = 30_000;
const profile = mkdtempSync(join(tmpdir(), 'rawws-firefox-'));
// Without the sandbox: tests may run as root, where it cannot be.
const browser = spawn(firefox, ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0'],
  { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, MOZ_DISABLE_CONTENT_SANDBOX: '1' } });
const ended = new Promise(give => browser.once('exit', give));
setTimeout(() => { console.log('complaint: it takes too long'); process.exit(1); }, 2 * patience).unref();
process.on('exit', () => { // also when something was thrown
  browser.kill('SIGKILL');
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
});

// Firefox says where it listens.
const address = await new Promise((give, refuse) => {
  let said = '';
  browser.stderr.on('data', data => {
    said += data;
    const found = /BiDi listening on (ws:\S+)/.exec(said);
    if (found) give(found[1]);
  });
  browser.once('exit', code => refuse(new Error(`Firefox ended with ${code}: ${said}`)));
});

const socket = new WebSocket(`${address}/session`);
await new Promise((give, refuse) => socket.once('open', give).once('error', refuse));
const waiting = new Map();
socket.on('message', data => {
  const message = JSON.parse(data);
  const entry = message.method === 'log.entryAdded' ? message.params : null; // the page has no icon, and says so in its policy
  if (entry?.level === 'error' && !entry.text.includes('favicon')) console.log(`complaint: ${entry.text}`);
  waiting.get(message.id)?.(message);
  waiting.delete(message.id);
});

let lastId = 0;
async function command(method, params) {
  const id = ++lastId;
  const answer = new Promise(give => waiting.set(id, give));
  socket.send(JSON.stringify({ id, method, params }));
  const { result, error, message } = await answer;
  if (error) throw new Error(`${method}: ${error}, ${message}`);
  return result;
}

await command('session.new', { capabilities: {} });
await command('session.subscribe', { events: ['log.entryAdded'] });
const { contexts: [{ context }] } = await command('browsingContext.getTree', {});

// Waits in the page until an expression is true there, and gives what another one is then.
async function see(condition, value) {
  const script = `(async () => {
    for (let i = 0; i < ${patience / 50}; i++) {
      try { if (${condition}) return String(${value}); } catch { /* not there yet */ }
      await new Promise(go => setTimeout(go, 50));
    }
    return 'not seen: ' + ${JSON.stringify(condition)};
  })()`;
  const { result, exceptionDetails } = await command('script.evaluate', { expression: script, target: { context }, awaitPromise: true });
  console.log(exceptionDetails ? `complaint: ${exceptionDetails.text}` : result.value);
}
const goTo = async place => {
  await command('browsingContext.navigate', { context, url: 'about:blank', wait: 'complete' });
  await command('browsingContext.navigate', { context, url: url + place, wait: 'complete' });
};

await goTo('');
await see(`document.querySelectorAll('#units button').length >= 4`,
  `[...document.querySelectorAll('#units button')].map(unit => unit.textContent.replace(/ \\d+ bytes/, '')).join('; ')`);
await see(`(document.querySelector('[data-unit="2"]').click(), document.querySelector('.note[aria-current] .name'))`,
  `document.querySelector('.note[aria-current] .name').textContent`);
await goTo('#step;827e0005;client;0');
await see(`document.querySelector('#step-verdict').textContent.includes('At byte')`,
  `document.querySelector('#step-verdict p').textContent`);
await goTo('#builder');
await see(`document.querySelector('[data-rule=NonMinimalLength]')`, `'the rules'`);
await see(`(document.querySelector('[data-rule=NonMinimalLength]').click(), true)`, `'an example'`);
await see(`document.querySelector('#page h3').textContent === 'NonMinimalLength'`, `(document.querySelector('#try').click(), 'tried')`);
await see(`document.querySelector('#result').textContent.includes('1002')`,
  `document.querySelector('#result [data-verdict]').dataset.verdict`);
await goTo('#room');
await see(`document.querySelector('#way .fine')`, `document.querySelector('#way .split').textContent.replace(/-[0-9a-f]{4}/, '')`);

socket.close();
browser.kill();
await ended;
