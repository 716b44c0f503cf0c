// Why the solution of each exercise is right, in English and Chinese: shown when it is solved.

const answers = {
  hi: ['Byte i of the payload is XORed with byte i mod 4 of the key: with the key 01 02 03 04, 48 69 becomes 49 6b. The server does '
    + 'the same again and gets “Hi” back. This hides nothing, because the key is sent with it. The mask stops a page’s script from '
    + 'choosing the bytes on the wire, which an old proxy might take for a request (§10.3).',
  '载荷第 i 个字节与密钥第 i mod 4 个字节异或：密钥是 01 02 03 04 时，48 69 变成 49 6b。服务器再异或一次，就又得到 “Hi”。'
    + '密钥就在旁边，所以这不是加密；它让网页脚本无法决定线路上的字节，免得老旧的代理把它们当成请求（§10.3）。'],
  length126: ['126 does not fit into the seven bits of the length: there 126 and 127 only say that two or eight more bytes hold it. So '
    + 'the seven bits are 126, and 00 7e follows. Eight bytes (127) could hold this number too, but only the shortest form is allowed: '
    + 'then each length can be written in one way only, and nobody can hide a small frame from a filter. The server closes the longer form '
    + 'with 1002.',
  '126 不能直接作为长度写进七位里：那里的 126 和 127 只表示后面还有两个或八个字节。所以七位里写 126，后面是 00 7e。八个字节（127）也写得下，但只允许最短的形式：'
    + '每个长度只有一种写法，谁也不能用另一种写法躲过过滤器。用更长的形式会以 1002 关闭。'],
  pingBetween: ['The server answers the Ping at once, and then the message continues as if nothing had happened: control frames belong '
    + 'to no message. Without this rule a long message in fragments would delay every Ping and every Close (§5.4, §5.5). This is why '
    + 'control frames are short (125 bytes at most) and never fragmented. Inside a frame nothing can be inserted: a frame that has begun '
    + 'is sent to its end.',
  'Ping 会立刻得到回应，之后消息照常继续，好像什么都没发生：控制帧不属于任何消息。否则一条分片的长消息会挡住所有 Ping 和关闭帧（§5.4、§5.5）。'
    + '所以控制帧很短，最多 125 个字节，自己从不分片。一帧的中间则什么也插不进去：帧一旦开始就要发完。'],
  midFrame1007: ['The byte ff is never part of UTF-8, whatever follows. The server checks each byte of a text when it arrives, so it '
    + 'does not have to wait for the rest of the frame. A text that ends inside a character is different: the rest may come in the next '
    + 'fragment, so the server decides that at the end of the message. The code is 1007 and not 1002, because the frames are right, and '
    + 'only their content is wrong.',
  'ff 在 UTF-8 里哪儿都不能出现，无论后面是什么。服务器对文本边收边查，所以不必等这一帧收完。断在字符中间的文本则不同：剩下的可能在下一个分片里，'
    + '要到消息结束才判定。关闭码是 1007 而不是 1002：帧没有错，错的是它装的内容。'],
  small1009: ['The whole header, 14 bytes at most: it says how long the payload will be. The server compares that with its limit '
    + '(--max-message) before the first byte of the payload arrives. So a large number costs the server no memory. The fragments of a '
    + 'message are counted together, so they are no way around the limit.',
  '知道整个帧头：帧头最多 14 个字节，里面写着载荷有多长。服务器在载荷的第一个字节到来之前，就把它与允许的大小（--max-message）比较。所以无论写多大的数字，'
    + '都不占用它的内存。各分片合计，所以分片也绕不过去。'],
  cause1006: ['TCP ended without a Close before it: that is all that 1006 says. It is never on the wire. Each end tells it only to its '
    + 'own program (§7.4.1), and the server’s log names the cause PeerVanished. So a broken cable, a crash and a proxy look the same to a '
    + 'browser, and so does a refused handshake.',
  'TCP 结束了，而之前没有关闭帧：1006 说的只有这些。它从不出现在线路上，只由一端告诉自己的程序（§7.4.1）；服务器日志里的原因是 PeerVanished。'
    + '所以在浏览器看来，网线断了、进程崩溃、代理掐断都一样，握手被拒绝也一样。'],
  accept: ['It proves that the server has read this request and knows the WebSocket handshake. A cache cannot answer with an old '
    + 'response, because the key is new each time. And a server that only copies fields back does not know the GUID (§1.3). It does not '
    + 'prove who the server is, and nothing here is secret.',
  '它证明服务器读过这个请求，并且懂得 WebSocket 握手。缓存不能拿旧的响应来答复，因为密钥每次都是新的；随便把字段抄回来的服务器又不知道 GUID（§1.3）。'
    + '它并不证明服务器是谁，这里也没有任何秘密。'],
  inflateHello: ['A message may refer to what the same end has sent before, up to 32 KiB back: f2 00 11 00 00 means “the five bytes '
    + 'from there”. This is context takeover (RFC 7692 §7.1.1). With no_context_takeover each message stands alone, and this one could not '
    + 'be decompressed. The price of takeover is memory: both ends keep the window as long as the connection is open.',
  '一条消息可以引用同一端之前发送过的内容，最远 32 KiB：f2 00 11 00 00 的意思是 “那里的五个字节”。这就是沿用上下文（RFC 7692 §7.1.1）。'
    + '如果约定了 no_context_takeover，每条消息就是独立的，这一条就无法解压。所以只要连接还在，两端都要保留窗口，这要占内存。'],
  survive: ['Everything that you send counts as a sign of life, also an empty message. The server only notes the time and does not '
    + 'touch its timer. When the timer comes due, the server looks at that time, and sets the timer again for the rest. A script cannot '
    + 'send a Ping, so a page sends a small message of its own. Without --heartbeat the server sends the Pings, and every browser answers '
    + 'them by itself (§5.5.2).',
  '你发来的任何内容都算还活着，没有内容的消息也算。服务器只记下时间，并不去动定时器：定时器到期时再看时间，再按剩余的时间重新设定。网页脚本不能发 Ping，'
    + '所以网页自己发一条小消息。没有 --heartbeat 时由服务器发 Ping，浏览器都会自动回应（§5.5.2）。'],
  proxy: ['A proxy with a time-out of 60 s ends both of its TCP connections when no data have passed for that long. It sends no Close, '
    + 'so both ends see 1006, and neither has done anything wrong. Any frame in either direction restarts the proxy’s clock. The smallest '
    + 'one is an empty Ping: 6 bytes from a client, 2 from a server. So let the server send a Ping more often than the shortest time-out '
    + 'on the way, for example every 30 s. If the proxy is yours, raise its time-out too.',
  '超时为 60 秒的代理，这么久没有数据通过就断开它的两条 TCP 连接。它不发关闭帧，所以两端看到的都是 1006，而谁也没有做错。任一方向的任何一帧都让它重新计时：'
    + '最小的是空的 Ping，客户端发是 6 个字节，服务器发是 2 个字节。所以让服务器 ping 得比路上最短的超时更勤，例如每 30 秒一次；代理归你管的话，也把它的超时调大。'],
};

export const reason = (name, language) => answers[name][language === 'zh' ? 1 : 0];
