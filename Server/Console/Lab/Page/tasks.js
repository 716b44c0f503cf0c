// The words of the exercises and of their hints, in English and Chinese.

const tasks = {
  hi: ['Send the text “Hi”, masked by hand. Choose a key, and XOR the two bytes with it.',
    '手工加掩码，发送文本 “Hi”。选一个密钥，与这两个字节异或。'],
  length126: ['Send a message of exactly 126 bytes. Which form has the length, and why not the longest one?',
    '发送一条正好 126 字节的消息。长度该用哪种形式？为什么不能用最长的那种？'],
  pingBetween: ['Send one message in three frames, with a ping between the first and the last.',
    '把一条消息分成三帧发送，并在第一帧和最后一帧之间插入一个 ping。'],
  midFrame1007: ['Get 1007 before the frame has come to its end: the server does not wait for bytes that cannot mend it.',
    '在一帧还没收完时就得到 1007：已经无法挽救的文本，服务器不会再等。'],
  small1009: ['Get 1009, with at most 20 bytes after the handshake. What does the server know before the payload comes?',
    '握手之后最多发送 20 字节，得到 1009。载荷到来之前服务器知道什么？'],
  cause1006: ['Cause what a browser calls 1006: the connection ends, and no close frame was sent by either end.',
    '造成浏览器所说的 1006：连接结束了，但两端都没有发送关闭帧。'],
  accept: ['Make the Accept value for this key: {0}', '为这个密钥算出 Accept：{0}'],
  inflateHello: ['Compressed: after a first message, five bytes that inflate to “Hello”. What may a message refer to?',
    '压缩：在第一条消息之后，用五个字节解压出 “Hello”。一条消息可以引用什么？'],
  proxy: ['Many servers stand behind a proxy that ends a connection when nothing has passed for 60 s. Here such a minute lasts 600 ms. '
    + 'Find out what it does (“pause 700” between two frames). Then keep a connection through it for three minutes, with as little as '
    + 'you can.',
  '许多服务器前面有代理，60 秒没有数据通过就断开连接。这里一分钟只有 600 毫秒。先看看它会做什么（两帧之间写 “pause 700”）。然后让一条连接穿过它活过三分钟，发送的内容尽量少。'],
  survive: ['Keep your own connection open for half as long again as the heartbeat.', '让你自己的连接存活超过心跳时间的一倍半。'],
};

const hints = {
  ruleBroken: ['A rule was broken. Choose the broken frame below: it says which.', '违反了规则。点击下面出错的帧，就能看到是哪一条。'],
  noFrame: ['No frame has come.', '没有收到帧。'],
  noText: ['The opcode does not say text: that is 1.', '操作码不是文本：文本是 1。'],
  keyZero: ['With the key 00000000 nothing is masked. Choose another.', '密钥 00000000 等于没有掩码。换一个。'],
  notHi: ['Unmasked, the payload is not “Hi”. Byte i goes with byte i mod 4 of the key.', '解除掩码后不是 “Hi”。第 i 个字节对应密钥的第 i mod 4 个字节。'],
  not126: ['There was no whole message of 126 bytes. Above 125, 126 stands in the seven bits, and two bytes follow.',
    '没有完整的 126 字节消息。超过 125 时，七位里写 126，后面跟两个字节。'],
  notThree: ['A message in three frames is: text with FIN bit 0, continuation with FIN bit 0, continuation with FIN bit 1.',
    '三帧的消息是：FIN 位为 0 的文本、FIN 位为 0 的后续帧、FIN 位为 1 的后续帧。'],
  pingNotBetween: ['The ping is not between the fragments. Control frames may go there, and never into a frame.',
    'ping 不在分片之间。控制帧可以插在分片之间，但不能插进一帧之内。'],
  not1007: ['The code is not 1007. Which bytes can never stand in UTF-8?', '关闭码不是 1007。哪些字节永远不会出现在 UTF-8 里？'],
  frameWhole: ['1007 it was, but the whole frame had come. Say a longer length, and stop early.', '确实是 1007，但整帧都到了。声明更大的长度，然后提前停下。'],
  not1009: ['There was no 1009. Which length could a header announce that is too long for a message here?',
    '没有得到 1009。帧头可以声明多大的长度，而这里的消息不允许那么大？'],
  tooManyBytes: ['1009 it was, but with more than 20 bytes. The header alone is enough.', '确实是 1009，但超过了 20 字节。只要帧头就够了。'],
  noHandshake: ['That was no WebSocket connection yet: the handshake did not succeed.', '这还不是 WebSocket 连接：握手没有成功。'],
  notEnded: ['The connection has not ended.', '连接还没有结束。'],
  closeSent: ['A close frame was sent, so a browser shows its code.', '有一端发送了关闭帧，浏览器会显示它的关闭码。'],
  notAccept: ['Not that. Put the GUID behind the key as text, take SHA-1 of it, and write its 20 bytes in base64.',
    '不对。把 GUID 作为文本接在密钥后面，算 SHA-1，再把 20 个字节写成 base64。'],
  notHello: ['No message of five bytes inflates to “Hello”. Send a first one, which fills the window, and refer to it.',
    '没有五字节的消息能解压成 “Hello”。先发送第一条填满窗口，再引用它。'],
  noHeartbeat: ['This server has no heartbeat.', '这台服务器没有心跳。'],
  ended: ['Your connection has ended. Open it again, and speak before the countdown comes to 0.', '连接已结束。重新打开，并在倒计时到 0 之前说话。'],
  proxyCut: ['The proxy saw nothing for a minute and ended both connections. No close frame was sent: the server saw the stream end, and a '
    + 'browser would say 1006. Its clock begins anew with each frame, in either direction. Which frame is the smallest?',
  '代理一分钟没有看到数据，断开了两边。没有关闭帧：服务器看到流结束，浏览器会说 1006。任一方向的每一帧都会让它重新计时。哪种帧最小？'],
  proxyTooShort: ['It lived, but not for three minutes: the pauses between what you sent must be 1800 ms together.',
    '它活着，但不到三分钟：各次发送之间的停顿加起来要有 1800 毫秒。'],
  notYet: ['It lives, but not for so long yet. Send something, and ask again.', '它还活着，但时间还不够长。发点什么，稍后再问。'],
};

export const isTask = name => Object.hasOwn(tasks, name);

export const task = (name, language, key) => tasks[name][language === 'zh' ? 1 : 0].replace('{0}', key);

export const hint = (id, language) => hints[id][language === 'zh' ? 1 : 0];
