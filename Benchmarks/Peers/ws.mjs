// A foreign server to compare with: node's ws library.
//   node ws.mjs PORT [--compression]
// On 127.0.0.1; port 0 takes a free one. "/" echoes each message whole; "/all" sends each to everybody who is connected there. Says
// "listening on 127.0.0.1:PORT" once it accepts. Messages of up to 64 MiB; with --compression every one is compressed, however short.
import { WebSocketServer, WebSocket } from 'ws';

const [port, option, ...rest] = process.argv.slice(2);
if (!/^\d+$/.test(port) || (option !== undefined && option !== '--compression') || rest.length > 0) {
  console.error('usage: node ws.mjs PORT [--compression]');
  process.exit(2);
}

const everybody = new Set();
const server = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(port),
  backlog: 4096, // thousands connect at once where it is measured
  maxPayload: 64 << 20,
  perMessageDeflate: option === '--compression' ? { threshold: 0 } : false,
});
server.on('listening', () => console.log(`listening on 127.0.0.1:${server.address().port}`));
server.on('connection', (socket, request) => {
  socket.on('error', () => {}); // the peer broke a rule; ws has ended the connection
  if (request.url !== '/all') {
    socket.on('message', (data, binary) => socket.send(data, { binary }));
    return;
  }

  everybody.add(socket);
  socket.on('close', () => everybody.delete(socket));
  socket.on('message', (data, binary) => {
    for (const one of everybody) if (one.readyState === WebSocket.OPEN) one.send(data, { binary });
  });
});
