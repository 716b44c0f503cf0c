// The words of the exercises and of their hints, in English and Chinese.

const tasks = {
  hi: ['Send the text “Hi”, masked by hand. Choose a masking key, and XOR the two bytes with it.', '发送文本 “Hi”，手工加掩码。选一个掩码密钥，与这两个字节异或。'],
  length126: ['Send a message of exactly 126 bytes. Which form does its length need, and why not the longest one?',
    '发送一条正好 126 字节的消息。长度该用哪种形式？为什么不能用最长的那种？'],
  pingBetween: ['Send one message in three frames, with a Ping between the first and the last one.', '把一条消息分成三帧发送，并在第一帧和最后一帧之间插入一个 Ping。'],
  midFrame1007: ['Get 1007 before the end of the frame has arrived: no further byte can make the text valid, so the server does not wait.',
    '在一帧还没收完时就得到 1007：后面不管来什么字节，文本都不可能合法，服务器就不再等。'],
  small1009: ['Get 1009, with at most 20 bytes after the handshake. What does the server know before the payload arrives?',
    '握手之后最多发送 20 字节，得到 1009。载荷到达之前，服务器知道什么？'],
  cause1006: ['Cause what a browser calls 1006: the connection ends, and neither end has sent a Close frame.',
    '造成浏览器所说的 1006：连接结束了，但两端都没有发送关闭帧。'],
  accept: ['Compute the Accept value for this key: {0}', '为这个密钥算出 Accept：{0}'],
  inflateHello: ['Compression: send a first message, then a second one whose payload is five bytes and which inflates to “Hello”. What '
    + 'may a message refer to?',
  '压缩：先发送第一条消息，再发送第二条，它的载荷是五个字节，解压后是 “Hello”。一条消息可以引用什么？'],
  proxy: ['Many servers are behind a proxy that ends a connection when nothing has passed for 60 s. Here such a minute lasts 600 ms. '
    + 'Find out what the proxy does (“pause 700” between two frames). Then keep a connection through it open for three minutes, and '
    + 'send as little as you can.',
  '许多服务器前面有代理，60 秒没有数据通过就断开连接。这里一分钟只有 600 毫秒。先看看代理会做什么（两帧之间写 “pause 700”）。然后让一条穿过它的连接保持三分钟不断，发送的内容尽量少。'],
  survive: ['Keep your own connection open for one and a half times the heartbeat.', '让你自己的连接保持不断，时间超过心跳时间的一倍半。'],
};

const hints = {
  ruleBroken: ['A rule was broken. Choose the broken frame below: it says which one.', '违反了规则。点击下面出错的帧，就能看到是哪一条。'],
  noFrame: ['No frame has arrived.', '没有收到帧。'],
  noText: ['The opcode is not that of a text frame: it must be 1.', '操作码不是文本帧的：应当是 1。'],
  keyZero: ['A masking key of 00000000 changes nothing. Choose another one.', '掩码密钥 00000000 等于没有掩码。换一个。'],
  notHi: ['Unmasked, the payload is not “Hi”. XOR byte i of it with byte i mod 4 of the key.',
    '解除掩码后，载荷不是 “Hi”。第 i 个字节要与密钥的第 i mod 4 个字节异或。'],
  not126: ['There was no complete message of 126 bytes. For a length above 125 write 126 in the seven bits, and the length in the next '
    + 'two bytes.',
  '没有完整的 126 字节消息。长度超过 125 时，七位里写 126，长度写在后面两个字节里。'],
  notThree: ['A message in three frames is: a text frame with FIN bit 0, a continuation frame with FIN bit 0, a continuation frame '
    + 'with FIN bit 1.',
  '三帧的消息是：FIN 位为 0 的文本帧、FIN 位为 0 的延续帧、FIN 位为 1 的延续帧。'],
  pingNotBetween: ['The Ping is not between the fragments. Control frames may come between fragments, but never inside a frame.',
    'Ping 不在分片之间。控制帧可以插在分片之间，但不能插进一帧之内。'],
  not1007: ['The code is not 1007. Which bytes can never be part of UTF-8?', '关闭码不是 1007。哪些字节永远不会出现在 UTF-8 里？'],
  frameWhole: ['The code was 1007, but the whole frame had arrived. Declare a longer length, and stop early.',
    '确实是 1007，但整帧都到了。声明更大的长度，然后提前停下。'],
  not1009: ['There was no 1009. Which length can a header declare that is too large for a message here?',
    '没有得到 1009。帧头可以声明多大的长度，超过这里消息的上限？'],
  tooManyBytes: ['The code was 1009, but there were more than 20 bytes. The header alone is enough.', '确实是 1009，但超过了 20 字节。只要帧头就够了。'],
  noHandshake: ['This was not a WebSocket connection yet: the handshake did not succeed.', '这还不是 WebSocket 连接：握手没有成功。'],
  notEnded: ['The connection has not ended.', '连接还没有结束。'],
  closeSent: ['A Close frame was sent, so a browser shows its code.', '有一端发送了关闭帧，浏览器会显示它的关闭码。'],
  notAccept: ['This is not the right value. Append the GUID to the key as text, take the SHA-1 of it, and write its 20 bytes in base64.',
    '这个值不对。把 GUID 作为文本接在密钥后面，求 SHA-1，再把这 20 个字节写成 base64。'],
  notHello: ['No message with five bytes of payload inflates to “Hello”. First send a message that fills the window, then refer to it.',
    '没有载荷为五个字节、解压后是 “Hello” 的消息。先发送一条消息填充窗口，再引用它。'],
  noHeartbeat: ['This server has no heartbeat.', '这台服务器没有心跳。'],
  ended: ['Your connection has ended. Open it again, and send something before the countdown is at 0.', '连接已结束。重新打开，并在倒计时到 0 之前发送一点内容。'],
  proxyCut: ['Nothing passed the proxy for a minute, so it ended both connections. No Close frame was sent: the server saw the end of '
    + 'the stream, and a browser would show 1006. Each frame, in each direction, starts the minute again. Which frame is the smallest?',
  '一分钟没有数据通过，代理断开了两边的连接。没有关闭帧：服务器看到流结束，浏览器会显示 1006。任一方向的每一帧都会让它重新计时。哪种帧最小？'],
  proxyTooShort: ['It stayed open, but not for three minutes: the pauses between what you sent must be 1800 ms together.',
    '连接没有断，但不到三分钟：各次发送之间的停顿加起来要有 1800 毫秒。'],
  notYet: ['It is open, but not long enough yet. Send something, and check again later.', '连接还没有断，但时间还不够长。发送一点内容，稍后再判定。'],
};

export const isTask = name => Object.hasOwn(tasks, name);

export const task = (name, language, key) => tasks[name][language === 'zh' ? 1 : 0].replace('{0}', key);

export const hint = (id, language) => hints[id][language === 'zh' ? 1 : 0];
