// A foreign server to compare with: Bun, whose server is uWebSockets.
//   bun bun.js PORT [--compression]
// On 127.0.0.1; port 0 takes a free one. "/" echoes each message whole; "/all" sends each to everybody who is connected there. Says
// "listening on 127.0.0.1:PORT" once it accepts. Messages of up to 64 MiB; with --compression every one is compressed, however short.
const [port, option, ...rest] = process.argv.slice(2);
if (!/^\d+$/.test(port) || (option !== undefined && option !== '--compression') || rest.length > 0) {
  console.error('usage: bun bun.js PORT [--compression]');
  process.exit(2);
}

const compression = option === '--compression';
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: Number(port),
  fetch(request, server) {
    if (server.upgrade(request, { data: { all: new URL(request.url).pathname === '/all' } })) return;
    return new Response('a WebSocket is wanted here\n', { status: 400 });
  },
  websocket: {
    perMessageDeflate: compression,
    idleTimeout: 0,
    maxPayloadLength: 64 << 20,
    backpressureLimit: 128 << 20, // past it, messages would be dropped
    open(socket) {
      if (socket.data.all) socket.subscribe('all');
    },
    message(socket, message) {
      if (socket.data.all) server.publish('all', message, compression);
      else socket.send(message, compression);
    },
  },
});
console.log(`listening on 127.0.0.1:${server.port}`);
