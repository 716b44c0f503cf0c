// What is behind each exercise, in English and Chinese: told to whoever has solved it.

const answers = {
  hi: ['Byte i of the payload is XORed with key byte i mod 4: with the key 01 02 03 04, 48 69 becomes 49 6b. The server does the same once '
    + 'more, and has “Hi” again. This hides nothing, as the key stands beside it. It keeps a page’s script from choosing the bytes on the '
    + 'wire, which an old proxy might take for a request (§10.3).',
  '载荷第 i 个字节与密钥第 i mod 4 个字节异或：密钥是 01 02 03 04 时，48 69 变成 49 6b。服务器再异或一次，就又得到 “Hi”。'
    + '密钥就在旁边，所以这不是加密；它让网页脚本无法决定线路上的字节，免得老旧的代理把它们当成请求（§10.3）。'],
  length126: ['126 does not fit as a length into the seven bits, where 126 and 127 only say that two or eight bytes follow. So it is '
    + '126 in the seven bits, and 00 7e behind them. Eight bytes (127) could hold the number too, but only the shortest form is '
    + 'allowed: each length is written in one way, so that nobody hides a small frame from a filter. The longer form is closed with '
    + '1002.',
  '126 不能直接作为长度写进七位里：那里的 126 和 127 只表示后面还有两个或八个字节。所以七位里写 126，后面是 00 7e。八个字节（127）也写得下，但只允许最短的形式：'
    + '每个长度只有一种写法，谁也不能用另一种写法躲过过滤器。用更长的形式会以 1002 关闭。'],
  pingBetween: ['The Ping is answered at once, and the message goes on behind it as if nothing had been: control frames belong to no '
    + 'message. Without this a long message in fragments would hold up every Ping and every Close (§5.4, §5.5). So they are short, '
    + '125 bytes at most, and never in fragments themselves. Into the middle of a frame nothing can be put: a frame is sent to its end.',
  'Ping 会立刻得到回应，之后消息照常继续，好像什么都没发生：控制帧不属于任何消息。否则一条分片的长消息会挡住所有 Ping 和关闭帧（§5.4、§5.5）。'
    + '所以控制帧很短，最多 125 个字节，自己从不分片。一帧的中间则什么也插不进去：帧一旦开始就要发完。'],
  midFrame1007: ['ff can stand nowhere in UTF-8, whatever comes behind it. The server checks each byte of a text as it comes, so it need '
    + 'not wait for the rest of the frame. A text that ends inside of a character is another matter: the rest may come in the next '
    + 'fragment, so that is judged at the end of the message. The code is 1007 and not 1002: the frames are right, and what they carry '
    + 'is not.',
  'ff 在 UTF-8 里哪儿都不能出现，无论后面是什么。服务器对文本边收边查，所以不必等这一帧收完。断在字符中间的文本则不同：剩下的可能在下一个分片里，'
    + '要到消息结束才判定。关闭码是 1007 而不是 1002：帧没有错，错的是它装的内容。'],
  small1009: ['All of the header: it says how long the payload will be, at most 14 bytes from its beginning. The server compares that with '
    + 'what it allows (--max-message) before a byte of the payload has come. So a number costs it no memory, whatever number it is. '
    + 'Fragments are counted together, so they are no way around it.',
  '知道整个帧头：帧头最多 14 个字节，里面写着载荷有多长。服务器在载荷的第一个字节到来之前，就把它与允许的大小（--max-message）比较。所以无论写多大的数字，'
    + '都不占用它的内存。各分片合计，所以分片也绕不过去。'],
  cause1006: ['TCP ended, and no close frame had come before: that is all that 1006 says. It is on no wire. An end tells it to its own '
    + 'program (§7.4.1), and the server’s log names the cause PeerVanished. So a cable, a crash and a proxy look the same to a browser, '
    + 'and so does a refused handshake.',
  'TCP 结束了，而之前没有关闭帧：1006 说的只有这些。它从不出现在线路上，只由一端告诉自己的程序（§7.4.1）；服务器日志里的原因是 PeerVanished。'
    + '所以在浏览器看来，网线断了、进程崩溃、代理掐断都一样，握手被拒绝也一样。'],
  accept: ['It proves that the server has read this request, and knows what a WebSocket handshake is. A cache cannot answer with an old '
    + 'response, because the key is new each time; and a server that copies fields back at random does not know the GUID (§1.3). It proves '
    + 'nothing of who the server is, and nothing here is secret.',
  '它证明服务器读过这个请求，并且懂得 WebSocket 握手。缓存不能拿旧的响应来答复，因为密钥每次都是新的；随便把字段抄回来的服务器又不知道 GUID（§1.3）。'
    + '它并不证明服务器是谁，这里也没有任何秘密。'],
  inflateHello: ['A message may refer to what the same end has sent before, up to 32 KiB back: f2 00 11 00 00 says “the five bytes from '
    + 'there”. That is context takeover (RFC 7692 §7.1.1). Where no_context_takeover is agreed on, each message stands alone, and this one '
    + 'could not be decompressed. So both ends have to keep the window for as long as the connection lives, and that costs memory.',
  '一条消息可以引用同一端之前发送过的内容，最远 32 KiB：f2 00 11 00 00 的意思是 “那里的五个字节”。这就是沿用上下文（RFC 7692 §7.1.1）。'
    + '如果约定了 no_context_takeover，每条消息就是独立的，这一条就无法解压。所以只要连接还在，两端都要保留窗口，这要占内存。'],
  survive: ['Whatever comes from you counts as life, also a message that says nothing. The server notes the time of it, and does not touch '
    + 'its timer: when that comes due, it looks at the time, and arms it for the rest. A script cannot send a Ping, so pages send a small '
    + 'message of their own. Without --heartbeat it is the server that sends Pings, which every browser answers by itself (§5.5.2).',
  '你发来的任何内容都算还活着，没有内容的消息也算。服务器只记下时间，并不去动定时器：定时器到期时再看时间，按剩余的时间重新上弦。网页脚本不能发 Ping，'
    + '所以网页自己发一条小消息。没有 --heartbeat 时由服务器发 Ping，浏览器都会自动回应（§5.5.2）。'],
  proxy: ['A proxy with a time-out of 60 s ends both of its TCP connections when nothing has passed for so long. It sends no close '
    + 'frame, so both ends see 1006, and neither has done anything wrong. Any frame in either direction starts its clock anew: an empty '
    + 'Ping is the smallest, 6 bytes from a client and 2 from a server. So let the server ping more often than the shortest time-out on '
    + 'the way, say each 30 s; where you run the proxy, raise its time-out too.',
  '超时为 60 秒的代理，这么久没有数据通过就断开它的两条 TCP 连接。它不发关闭帧，所以两端看到的都是 1006，而谁也没有做错。任一方向的任何一帧都让它重新计时：'
    + '最小的是空的 Ping，客户端发是 6 个字节，服务器发是 2 个字节。所以让服务器 ping 得比路上最短的超时更勤，例如每 30 秒一次；代理归你管的话，也把它的超时调大。'],
};

export const reason = (name, language) => answers[name][language === 'zh' ? 1 : 0];
