// What the page itself says, in English and Chinese. The sentences about bytes are the server's (rawws explain).

import { router } from '/lab/words-router.js';
import { live } from '/lab/words-live.js';

// Places in the second view: a Ping behind the first of two fragments; a compressed message, at its RSV1.
const pingBetween = 'step;898001020304;client;4;;01810102030449', compressed = 'step;c18737fa213dc5b2ecf4fefd21;client;1;alone';

const words = {
  ...router,
  ...live,
  begin: ['Where to begin', '从哪里开始'],
  // Each line has places in braces: the address, and its name.
  waysThrough: [
    ['{own|Your connection}: request, answer and frames, byte by byte; {own;accept|how Accept is made}.',
      `{step|Step by step}: a frame byte by byte, its mask undone; {${pingBetween}|a Ping between fragments}.`,
      '{builder|Build and break}: frames by hand, and why each rule is there: {builder;1002|1002} or {builder;1007|1007}?',
      `Compression: {${compressed}|a compressed message, which RSV1 marks}; {builder;ReservedBitsNotNegotiated|RSV1 without an agreement}.`,
      '{timeline|Timeline}: Pings and Pongs, the closing handshake, and which end ends TCP first.',
      'Inside of the server: {own;phases|the phases}, {own;wheel|the timer wheel}, {own;limits|what bounds a message}.',
      '{room|Router}: how “100:hi” finds its receiver, and what waits for a slow reader.',
      '{exercises|Exercises}: the server judges, and then says what is behind it.'],
    ['{own|你的连接}：请求、响应和各帧，逐字节看；{own;accept|Accept 是怎样算出来的}。',
      `{step|逐字节}：一帧的字节一个一个地来，解除掩码；{${pingBetween}|两个分片之间的 Ping}。`,
      '{builder|构造与破坏}：手工造帧，每条规则为什么存在：{builder;1002|1002} 还是 {builder;1007|1007}？',
      `压缩：{${compressed}|一条压缩过的消息，由 RSV1 标明}；{builder;ReservedBitsNotNegotiated|没有约定却置 1 的 RSV1}。`,
      '{timeline|时间线}：Ping 和 Pong、关闭握手，以及哪一端先结束 TCP。',
      '服务器内部：{own;phases|各个阶段}、{own;wheel|时间轮}、{own;limits|一条消息的上限}。',
      '{room|路由}：“100:hi” 怎样找到接收者，以及慢读者那里排着什么。',
      '{exercises|练习}：由服务器判定，然后说明背后的道理。'],
  ],
  lead: ['The protocol, byte by byte, from this server’s own bytes.', '逐字节看协议：都是这台服务器自己的字节。'],
  language: ['中文', 'English'],
  own: ['Your connection', '你的连接'],
  step: ['Step by step', '逐字节'],
  builder: ['Build and break', '构造与破坏'],
  timeline: ['Timeline', '时间线'],
  room: ['Router', '路由'],
  exercises: ['Exercises', '练习'],
  exercisesHelp: ['The server judges from what went over the wire.', '由服务器根据线路上的字节判定。'],
  judge: ['Judge', '判定'],
  solved: ['Solved.', '完成。'], whySolved: ['What is behind it ({0})', '背后的道理（{0}）'],
  answer: ['Answer', '答案'],
  build: ['Build a frame', '构造一帧'],
  connecting: ['Connecting …', '正在连接……'],
  running: ['Running', '运行中'],
  ownEnded: ['Your connection has ended ({0}). “Open again” in “Your connection” opens another one.',
    '你的连接已结束（{0}）。“你的连接” 里的 “重新打开” 会打开一个新的。'],
  ownSilent: ['Your connection has ended ({0}): nothing came from you for {1} s (--heartbeat). “Open again” in “Your connection” opens '
    + 'another one.', '你的连接已结束（{0}）：你有 {1} 秒没有发送内容（--heartbeat）。“你的连接” 里的 “重新打开” 会打开一个新的。'],
  lineLost: ['The line to the server is lost ({0}). It is tried again in {1} s. Nothing here is live meanwhile.',
    '与服务器的线路已断开（{0}）。{1} 秒后重试。在此期间，页面上的内容都不是实时的。'],
  noLine: ['There is no line to the server now.', '现在与服务器没有线路。'],
  notLive: ['Not live: there is no line to the server.', '非实时：与服务器没有线路。'],
  isClosed: ['Nothing is sent: your connection is closed. “Open again” opens another one.',
    '没有发送：你的连接已关闭。“重新打开” 会打开一个新的。'],
  notYetOpen: ['Nothing is sent: your connection is not open yet.', '没有发送：你的连接还没有打开。'],
  notOpened: ['Your connection could not be opened. The server’s log says why.', '无法打开你的连接。原因在服务器的日志里。'],
  notOpenedFor: ['Your connection could not be opened. {0}', '无法打开你的连接。{0}'],
  client: ['you → server', '你 → 服务器'],
  server: ['server → you', '服务器 → 你'],
  fromClient: ['from the client', '来自客户端'],
  fromServer: ['from the server', '来自服务器'],
  fromAny: ['as the mask bit says', '由掩码位判断'],
  request: ['request', '请求'],
  response: ['response', '响应'],
  notRead: ['not read', '未读取'],
  frame0: ['continuation', '后续帧'], frame1: ['text', '文本'], frame2: ['binary', '二进制'],
  frame8: ['close',
    '关闭'], frame9: ['ping', 'ping'], frame10: ['pong', 'pong'], frameX: ['opcode {0}', '操作码 {0}'],
  part: ['a part', '不完整'],
  send: ['Send', '发送'],
  message: ['Message', '消息'],
  ping: ['Ping from the server', '让服务器 ping'],
  close: ['Close', '关闭'],
  open: ['Open again', '重新打开'],
  phase: ['Phase', '阶段'],
  phases: [
    { handshake: 'handshake', open: 'open', closing: 'closing', draining: 'draining', shut: 'draining, after TCP’s FIN', expired: 'expired',
      aborted: 'aborted', ended: 'ended' },
    { handshake: '握手', open: '打开', closing: '关闭中', draining: '排空', shut: '排空（TCP 的 FIN 之后）', expired: '超时', aborted: '中止', ended: '结束' },
  ],
  timer: ['Timer', '定时器'],
  deadlines: [
    { handshake: 'for the handshake', silence: 'for your silence', message: 'for a whole message', send: 'for taking bytes',
      probe: 'for a pong', delivery: 'for a delivery', rate: 'until you may send more', close: 'for your close' },
    { handshake: '等待握手', silence: '等待你说话', message: '等待整条消息', send: '等待取走字节',
      probe: '等待 pong', delivery: '等待投递', rate: '等到你可以再发', close: '等待你的关闭' },
  ],
  dueIn: ['{0}: {1} s', '{0}：{1} 秒'],
  queued: ['Waits to be taken', '等待取走'],
  wheel: ['The timer wheel', '时间轮'],
  wheelWhy: ['Why a wheel: each connection has something to wait for, and any of them may be overdue. To look at all of them again and '
    + 'again would cost more the more there are; a sorted list would have to be sorted at each change. In the wheel a timer is put into '
    + 'the slot of its time, and each step of the hand looks at one slot: that costs the same for ten connections and for a million. What '
    + 'is far away lies in a coarser wheel, and comes down to a finer one as its time comes near. The price is that nothing is due more '
    + 'exactly than a tick, 16 ms.',
  '为什么用轮：每个连接都在等某件事，随时可能有一个超时。反复检查所有连接，连接越多代价越大；排好序的表则每次变化都要重排。'
    + '在时间轮里，定时器放进它那个时刻的格，指针每走一步只看一格：十个连接和一百万个连接代价一样。很远的期限放在较粗的轮里，'
    + '时间临近时再移到较细的轮。代价是精度不超过一个节拍，即 16 毫秒。'],
  wheelHelp: ['All deadlines of a thread’s connections lie in four wheels of 64 slots each; beside each wheel stands what a slot of it '
    + 'spans. Each connection has one timer. The hand moves one slot at a time, and what lies in its slot is due, or goes one wheel down. '
    + 'What you send does not move the timer: it notes the time. When the timer comes due, the server looks when you last spoke; if that '
    + 'is not too long ago, it is armed again for the rest.',
  '一个线程上所有连接的期限都放在四个时间轮里，每个轮 64 格；旁边写着一格的时长。每个连接只有一个定时器。指针一格一格走，走到的格里的定时器到期，或者下移一个轮。'
    + '你发送内容不会移动定时器，只记下时间。定时器到期时，服务器看你上次说话是什么时候；若还不算太久，就按剩余时间重新上弦。'],
  slot: ['Armed for tick {0}: wheel {1}, slot {2}', '定在第 {0} 个节拍：第 {1} 轮，第 {2} 格'],
  noTimer: ['No timer is armed.', '没有定时器。'],
  phaseTable: ['The table of phases', '阶段表'],
  phaseHelp: ['In each phase: what can happen, which phase follows, and what goes out. Rows of the present phase are marked. “Closing” is '
    + 'only there when the server sends its close frame first: it still reads, because yours comes after what you sent before. If you '
    + 'close first, the next phase is “draining” at once.',
  '每个阶段里：会发生什么，之后是哪个阶段，发出什么。当前阶段的行有标记。“关闭中” 只在服务器先发关闭帧时出现：它还在读，因为你的关闭帧跟在你之前发的内容后面。如果你先关闭，就直接进入“排空”。'],
  drainingHelp: ['“Draining” is what comes behind the closing handshake, or behind a broken rule: what waits for you is still sent, what '
    + 'comes from you is thrown away. When all is sent, the server ends its direction of TCP (TCP’s FIN), and waits for yours. It does not '
    + 'close at once: a socket that is closed with unread bytes in it sends TCP’s RST, and then you might never see the close frame '
    + '(RFC 6455 §7.1.1).',
  '“排空” 在关闭握手或违反规则之后：等你取走的内容继续发，你发来的内容丢掉。全部发完后，服务器结束 TCP 的己方方向（TCP 的 FIN），再等你的方向。'
    + '它不立即关闭：套接字里还有没读的字节时关闭，会发出 TCP 的 RST，你就可能看不到关闭帧（RFC 6455 §7.1.1）。'],
  tcpWhy: ['Why the server ends TCP first: the end that does so keeps the closed connection in mind for a minute or longer (TIME_WAIT), so '
    + 'that late packets of it are taken for no other one. A client could not connect again from the same port for so long. A server can '
    + 'bear it: its port takes new connections all the same (RFC 6455 §7.1.1).',
  '为什么服务器先结束 TCP：先结束的一端要把这条已关闭的连接再记一分钟或更久（TIME_WAIT），以免迟到的包被当成别的连接的。客户端在这段时间里不能再从同一个端口连接；'
    + '服务器则无妨，它的端口照样接受新连接（RFC 6455 §7.1.1）。'],
  tcpEnds: [
    { ownFin: 'TCP’s FIN: the server ends its direction', peerFin: 'TCP’s FIN: the client ends its direction',
      ownReset: 'TCP’s RST: the server resets the connection', peerReset: 'TCP’s RST: the client resets the connection, or is gone' },
    { ownFin: 'TCP 的 FIN：服务器结束自己的方向', peerFin: 'TCP 的 FIN：客户端结束自己的方向',
      ownReset: 'TCP 的 RST：服务器重置连接', peerReset: 'TCP 的 RST：客户端重置连接，或者已不在' },
  ],
  tcpFirst: ['{0} (the first end of TCP here)', '{0}（这里 TCP 的第一个结束）'],
  tcpOrder: ['TCP’s end, in the order in which the server saw it: {0}.', 'TCP 的结束，按服务器看到的顺序：{0}。'],
  happens: ['What happens', '发生的事'], then: ['Then', '之后'], goesOut: ['What goes out', '发出'],
  events: [
    { upgrades: 'the upgrade is accepted', answers: 'the request is answered otherwise', closes: 'the server or its application closes',
      peerCloses: 'your close frame comes', fails: 'you break a rule', streamEnds: 'your stream ends (TCP’s FIN) without a close frame',
      stops: 'the server stops', flushes: 'everything is sent', expires: 'the closing takes too long', aborts: 'it is given up',
      crashes: 'the server’s own code fails', finishes: 'your stream has ended too (TCP’s FIN)' },
    { upgrades: '接受升级', answers: '以其他方式答复请求', closes: '服务器或应用要关闭', peerCloses: '收到你的关闭帧', fails: '你违反了规则',
      streamEnds: '你的流结束（TCP 的 FIN），没有关闭帧', stops: '服务器停止', flushes: '全部发完', expires: '关闭用时过长', aborts: '放弃',
      crashes: '服务器自己的代码出错', finishes: '你的流也已结束（TCP 的 FIN）' },
  ],
  sends: [{ nothing: '', answer: 'an HTTP answer', close: 'a close frame' }, { nothing: '', answer: 'HTTP 答复', close: '关闭帧' }],
  tcps: [
    { none: '', shut: 'TCP’s FIN: our direction ends', closed: 'the socket is closed', reset: 'TCP’s RST: the socket is reset' },
    { none: '', shut: 'TCP 的 FIN：己方方向结束', closed: '关闭套接字', reset: 'TCP 的 RST：重置套接字' },
  ],
  limits: ['What bounds a message here', '这里消息的上限'],
  limitMessage: ['A message: {0} bytes in all fragments (--max-message), else 1009: judged from the header, before the payload has come.',
    '一条消息：所有分片共 {0} 字节（--max-message），否则 1009。帧头一到就判定，不等载荷。'],
  limitFragments: ['Fragments of a message: {0} (--max-fragments), else 1009.', '一条消息的分片数：{0}（--max-fragments），否则 1009。'],
  limitTime: ['Time for a message: {0} s from its first byte to its last (--message-timeout), else 4001.',
    '一条消息的时间：从首字节到末字节 {0} 秒（--message-timeout），否则 4001。'],
  limitQueue: ['What waits for a receiver: {0} bytes (--send-buffer); who takes nothing for 5 s with more than that is closed with 4000 '
    + 'at the next message.',
    '等待一个接收者取走的：{0} 字节（--send-buffer）；超过它且 5 秒不取的，在下一条消息到来时以 4000 关闭。'],
  bytesUnit: ['{0} bytes', '{0} 字节'],
  ended: ['Ended: {0}', '已结束：{0}'],
  rtt: ['Round trip', '往返'],
  unitsOf: ['What has gone over the wire', '线路上经过的内容'],
  strip: ['Bytes', '字节'],
  stripHelp: ['← → byte, ↑ ↓ field. The address of this page names the place.',
    '← → 移动字节，↑ ↓ 移动字段。本页地址会记住位置。'],
  fields: ['Fields', '字段'], fieldFin: ['FIN bit', 'FIN 位'],
  diagram: ['The frame as the RFC draws it, with these bits', '按 RFC 的画法，填上这一帧的位'],
  mask: ['The mask undone', '解除掩码'],
  maskHelp: ['Byte i of the payload is XORed with byte i mod 4 of the key. The server does so in its receive buffer, where the bytes lie, '
    + 'as they come (Frame/Masking.cs#Apply, called by Frame/WebSocketProtocol.Data.cs#ReadPayload).',
  '载荷的第 i 个字节与密钥的第 i mod 4 个字节异或。服务器在接收缓冲区里原地做，边收边做（Frame/Masking.cs#Apply，由 Frame/WebSocketProtocol.Data.cs#ReadPayload 调用）。'],
  next: ['Next byte', '下一个字节'],
  all: ['All', '全部'],
  again: ['From the start', '从头'],
  text: ['As characters (UTF-8)', '按字符（UTF-8）'], reason: ['The reason as characters (UTF-8)', '原因，按字符（UTF-8）'],
  inflated: ['Compressed; it inflates to', '已压缩，解压后是'],
  accept: ['How Accept is made', 'Accept 是怎样算出来的'],
  acceptKey: ['1. The key that you sent', '1. 你发送的密钥'],
  acceptJoined: ['2. The fixed GUID behind it', '2. 后面接上固定的 GUID'],
  acceptHash: ['3. SHA-1 of that, 20 bytes', '3. 对它做 SHA-1，20 字节'],
  acceptEnd: ['4. In base64: Sec-WebSocket-Accept', '4. 转成 base64：Sec-WebSocket-Accept'],
  why: ['Why', '为什么'],
  broken: ['Broken rule: {0}', '违反的规则：{0}'],
  closeWith: ['close code {0}', '关闭码 {0}'],
  statusWith: ['HTTP status {0}', 'HTTP 状态 {0}'],
  source: ['Decided in {0}', '由 {0} 判定'],
  more: ['{0} more bytes are not drawn', '另有 {0} 字节未画出'],
  hex: ['Bytes in hexadecimal', '十六进制字节'],
  codeExample: ['An example of a Close frame with {0}. The frame itself breaks no rule.', '带 {0} 的关闭帧的例子。这个帧本身没有违反规则。'],
  hexWrong: ['These are not pairs of hexadecimal digits.', '这不是成对的十六进制数字。'],
  from: ['Sender', '发送方'],
  given: ['{0} of {1} bytes given', '已给出 {0} / {1} 字节'],
  back: ['Back', '后退'],
  play: ['Play', '播放'],
  stop: ['Stop', '停止'],
  knows: ['What the protocol knows now', '协议此时知道什么'],
  nothingYet: ['Nothing yet: it needs two bytes before it can say what this is.', '还什么都不知道：至少要两个字节。'],
  goesOn: ['No rule is broken so far.', '到目前为止没有违反规则。'],
  tooManyBefore: ['More frames stand before it than are shown, so it cannot be judged here.', '它之前的帧太多，无法在这里判断。'],
  failsBefore: ['{0} is broken already by the bytes before these.', '之前的字节已经违反了 {0}。'],
  malformed: ['Byte {0} is wrong: this is no response of HTTP/1.1. A client fails the connection.',
    '第 {0} 字节有错：这不是 HTTP/1.1 的响应。客户端会使连接失败。'],
  compression: ['Compression', '压缩'],
  deflates: [
    { '': 'not agreed on', alone: 'permessage-deflate, each message alone', takeover: 'permessage-deflate, with takeover' },
    { '': '没有约定', alone: 'permessage-deflate，每条消息独立', takeover: 'permessage-deflate，沿用上下文' },
  ],
  before: ['Before these {0} bytes from the same sender were read: what they began goes on here.',
    '在这之前已读过同一发送方的 {0} 字节：它们开始的内容在这里继续。'],
  forget: ['Forget them', '忘掉它们'],
  failsAt: ['At byte {0} it is decided: {1} is broken. Nothing behind it is read.',
    '在第 {0} 个字节判定：违反 {1}。之后的不再读取。'],
  frame: ['A frame', '一帧'],
  opcode: ['Opcode', '操作码'],
  maskKey: ['Masking key', '掩码密钥'],
  lengthForm: ['Length in', '长度写成'],
  lengthAuto: ['the shortest form', '最短形式'],
  bits7: ['7 bits', '7 位'], bits16: ['16 bits', '16 位'], bits64: ['64 bits', '64 位'],
  lengthSaid: ['Length that is said', '声明的长度'],
  payloadText: ['Payload as text', '文本载荷'],
  payloadHex: ['or in hexadecimal', '或十六进制'],
  addFrame: ['Add to what is sent', '加入待发送内容'],
  toSend: ['What is sent, in hexadecimal: a line is a piece; “pause 200” waits', '待发送内容（十六进制）：一行一段；“pause 200” 表示等待'],
  withHandshake: ['a valid handshake first', '先做一次正确的握手'],
  ending: ['Then', '然后'],
  finBit: ['FIN bit (last frame of the message)', 'FIN 位（消息的最后一帧）'],
  endFin: ['end the TCP stream (TCP’s FIN)', '结束 TCP 流（TCP 的 FIN）'], endStay: ['wait', '等待'],
  endRst: ['reset the TCP connection (TCP’s RST)', '重置 TCP 连接（TCP 的 RST）'],
  cameFin: ['TCP’s FIN (the end of its stream, not the FIN bit of a frame)', 'TCP 的 FIN（流结束，不是帧里的 FIN 位）'],
  cameRst: ['TCP’s RST (a reset)', 'TCP 的 RST（重置）'],
  explain: ['Explain', '解释'],
  tryIt: ['Send to the server', '发给服务器'],
  clear: ['Clear', '清空'],
  gallery: ['Every rule, with an example that breaks it, and every close code', '每条规则，附一个违反它的例子；以及每个关闭码'],
  closeCode: ['close code', '关闭码'],
  filter: ['Filter', '筛选'],
  noSuchRule: ['There is no rule and no close code of this name: {0}', '没有这个名称的规则或关闭码：{0}'],
  ruleHelp: ['The address of this page names the rule that is chosen, so that it can be sent to somebody.',
    '本页地址会记住所选的规则，可以发给别人。'],
  filterRules: ['Filter: name, code, section, or a word of the page', '筛选：名称、代码、章节，或页面里的词'],
  noneFound: ['Nothing has “{0}” in its name, code, section or page.', '名称、代码、章节和页面里都没有 “{0}”。'],
  verdict: ['What came of it', '结果'],
  verdictOk: ['No rule was broken.', '没有违反规则。'],
  cameBack: ['The server ended with {0}{1}.', '服务器以 {0} 结束{1}。'],
  withCode: [', code {0}', '，关闭码 {0}'],
  withStatus: [', HTTP status {0}', '，HTTP 状态 {0}'],
  endOpen: ['nothing: the connection was still open', '无：连接仍然打开'],
  endNone: ['nothing: the client had reset', '无：客户端已重置'],
  onlyServer: ['Only a server sends this. So it is not sent to one, and only explained.', '只有服务器会发送这些字节，所以不发给服务器，只作解释。'],
  onlyEndpoints: ['This server takes every path. So this is not sent, and only explained: as a server would judge it that has the one '
    + 'endpoint /ws/.', '这台服务器接受任何路径，所以不发送，只作解释：按一台只有端点 /ws/ 的服务器来判断。'],
  onlyFewer: ['This server allows more fragments than can be sent here (--max-fragments). So this is only explained: as a server would '
    + 'judge it that allows 3.', '这台服务器允许的分片比这里能发送的还多（--max-fragments），所以只作解释：按一台只允许 3 个分片的服务器来判断。'],
  onlyCompressed: ['This server does not agree to compression (--compression on), and would break off at RSV1. So this is only explained: '
    + 'as if it had agreed.', '这台服务器不同意压缩（--compression on），见到 RSV1 就会断开，所以只作解释：按已经同意压缩来判断。'],
  declined: ['Nothing is broken: the offer of compression is declined, and the response names no extension.',
    '没有违反规则：压缩提议被拒绝，响应里没有写任何扩展。'],
  doIt: ['What to do', '怎么办'],
  pause: ['Pause', '暂停'],
  goOn: ['Go on', '继续'],
  everything: ['everything', '全部'],
  chosenRow: ['The row that is chosen', '所选的一行'],
  keepAlives: ['{0} keep-alives', '{0} 个保活消息'],
  keepAlivesHelp: ['Keep-alives (“ping”, “pong” and empty messages, which the router delivers to nobody: they only say that somebody is '
    + 'there, for --heartbeat) are folded, one behind the other, into one row. This page sends some on its router connections.',
  '保活消息（“ping”、“pong” 和空消息，路由不投递给任何人，只用来表示还在，见 --heartbeat）连续出现时折叠成一行。本页在它的路由连接上会发送一些。'],
  notKept: ['The bytes of this frame, or those before it in its message, are not kept any more.', '这一帧的字节，或消息中它之前的字节，已不再保存。'],
  onlyData: ['messages',
    '消息'], onlyControl: ['ping, pong, close', 'ping、pong、close'], onlyInside: ['phases, queue, TCP’s end', '阶段、队列、TCP 的结束'],
  lane: ['Connection', '连接'],
  allLanes: ['all', '全部'],
  fragment: ['fragment {0}', '分片 {0}'],
  lastFragment: ['last fragment, {0}', '最后分片 {0}'],
  emptyTimeline: ['What happens on your connections will stand here.', '你的连接上发生的事会出现在这里。'],
  leftOut: ['{0} were left out', '略去 {0} 项'],
  saveJson: ['Save as JSON', '保存为 JSON'],
  savePcap: ['Save as pcapng', '保存为 pcapng'],
  load: ['Load JSON', '载入 JSON'],
  nothingToSave: ['There is no connection whose bytes could be saved.', '没有可以保存字节的连接。'],
  loadWrong: ['“{0}” is no trace: {1}. Expected is JSON as “Save as JSON” writes it: {"format":"{2}","client":"…","server":"…"}, with the '
    + 'bytes of each direction in hexadecimal.',
  '“{0}” 不是轨迹文件：{1}。应为 “保存为 JSON” 写出的 JSON：{"format":"{2}","client":"…","server":"…"}，每个方向的字节用十六进制。'],
  noJson: ['it is no JSON', '不是 JSON'],
  noJsonAt: ['it is no JSON, wrong at character {0}', '不是 JSON，第 {0} 个字符有错'],
  noJsonIn: ['it is no JSON, wrong in line {0}, column {1}', '不是 JSON，第 {0} 行第 {1} 列有错'],
  wrongMember: ['member "{0}" is missing or wrong', '成员 "{0}" 缺失或有错'],
  wrongHex: ['member "{0}", character {1}: pairs of hexadecimal digits are expected', '成员 "{0}"，第 {1} 个字符：应为成对的十六进制数字'],
  loaded: ['{0} is shown. “Open again” shows your connection.', '显示的是 {0}。“重新打开” 回到你的连接。'],
  direction: ['Direction', '方向'],
  time: ['Time', '时间'],
  what: ['What', '内容'],
};

let at = (localStorage.getItem('lab.language') ?? (navigator.language.startsWith('zh') ? 'zh' : 'en')) === 'zh' ? 1 : 0;

// The way through the page: lines of texts and places, in turns. A place has an address and a name.
export const waysThrough = () => words.waysThrough[at]
  .map(line => line.split(/[{}]/).map((part, i) => i % 2 === 0 ? part : part.split('|')));

export const language = () => at === 1 ? 'zh' : 'en';

export function switchLanguage() {
  at = 1 - at;
  localStorage.setItem('lab.language', language());
}

// Why an upgrade was refused.
export function refusal(status, hello) {
  const text = t('refusals', status);
  return typeof text === 'string' ? text.replace('{0}', hello?.connectionsMax) : `${status}`;
}

// A text with values in its places {0}, {1}.
export function t(id, ...values) {
  const text = words[id][at];
  return typeof text === 'string' ? text.replace(/\{(\d)\}/g, (_, place) => values[place]) : text[values[0]] ?? values[0];
}
