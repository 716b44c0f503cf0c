// Opens each scenario that is named with the ws library, and prints what it saw of it, a line of JSON each: whether it opened, the texts,
// how many Pings, the close code, the error. Once it is open it sends "hello", and closes when that comes back, or after three Pings.
import WebSocket from 'ws';

const [base, ...paths] = process.argv.slice(2);
for (const path of paths) {
  const socket = new WebSocket(base + path, { handshakeTimeout: 1000 });
  const seen = { path, open: false, texts: [], pings: 0, code: null, error: null };
  socket.on('open', () => { seen.open = true; socket.send('hello'); });
  socket.on('message', data => {
    if (seen.texts.length < 3) seen.texts.push(data.toString().slice(0, 100));
    seen.count = (seen.count ?? 0) + 1;
    // A bad frame that comes as a message was not noticed.
    if (path.startsWith('/badframe') || (data.toString() === 'hello' && !path.startsWith('/ping'))) socket.close(1000);
  });
  socket.on('ping', () => { if (++seen.pings === 3) socket.close(1000); });
  socket.on('error', error => { seen.error = error.message; });
  socket.on('close', code => { seen.code = code; console.log(JSON.stringify(seen)); });
}
