// A foreign server to compare with: Deno's own.
//   deno run --allow-net deno.js PORT
// On 127.0.0.1; port 0 takes a free one. "/" echoes each message whole; "/all" sends each to everybody who is connected there. Says
// "listening on 127.0.0.1:PORT" once it accepts. Everything is the runtime's default but the Ping after 30 s of silence, which is off.
const [port, ...rest] = Deno.args;
if (!/^\d+$/.test(port ?? '') || rest.length > 0) {
  console.error('usage: deno run --allow-net deno.js PORT');
  Deno.exit(2);
}

const everybody = new Set();

function serve(request) {
  if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') return new Response('a WebSocket is wanted here\n', { status: 400 });
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  socket.binaryType = 'arraybuffer';
  socket.onerror = () => {}; // the peer broke a rule, or has gone
  if (new URL(request.url).pathname !== '/all') {
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  }

  socket.onopen = () => everybody.add(socket);
  socket.onclose = () => everybody.delete(socket);
  socket.onmessage = ({ data }) => {
    for (const one of everybody) if (one.readyState === WebSocket.OPEN) one.send(data);
  };
  return response;
}

Deno.addSignalListener('SIGTERM', () => Deno.exit(0));
Deno.serve({
  hostname: '127.0.0.1',
  port: Number(port),
  onListen: ({ port }) => console.log(`listening on 127.0.0.1:${port}`),
}, serve);
