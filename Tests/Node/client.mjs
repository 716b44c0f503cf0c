// Talks to a router through the ws library: introduces itself, is echoed, sends binary, pings, and closes. Prints what it saw.
import WebSocket from 'ws';

const socket = new WebSocket(process.argv[2]);
const seen = [];
socket.on('open', () => socket.send('100:haha'));
socket.on('pong', data => { seen.push('pong ' + data); socket.close(1000, 'bye'); });
socket.on('message', (data, isBinary) => {
  seen.push((isBinary ? 'binary ' : 'text ') + data);
  if (seen.length === 1) socket.send(Buffer.from('100:\u00e9'));
  if (seen.length === 2) socket.send('all:to everybody');
  if (seen.length === 3) socket.send('nobody:hello');
  if (seen.length === 4) socket.ping('life');
});
socket.on('close', (code, reason) => console.log([...seen, `close ${code} ${reason}`].join('\n')));
socket.on('error', error => { console.log('error ' + error.message); process.exitCode = 1; });
