// What the page itself says, in English and Chinese. The sentences about bytes are the server's (rawws explain).

import { router } from '/lab/words-router.js';
import { step } from '/lab/words-step.js';
import { live } from '/lab/words-live.js';

// Places in the second view: a Ping behind the first of two fragments; a compressed message, at its RSV1.
const pingBetween = 'step;898001020304;client;4;;01810102030449', compressed = 'step;c18737fa213dc5b2ecf4fefd21;client;1;alone';

const words = {
  ...router,
  ...step,
  ...live,
  begin: ['Where to begin', '从哪里开始'],
  // Each line has places in braces: the address, and its name.
  waysThrough: [
    ['{own|Your connection}: request, response and frames, byte by byte; {own;accept|how Accept is made}.',
      `{step|Step by step}: a frame byte by byte, its mask removed; {${pingBetween}|a Ping between fragments}.`,
      '{builder|Build and break}: frames by hand, and why each rule exists: {builder;1002|1002} or {builder;1007|1007}?',
      `Compression: {${compressed}|a compressed message, marked by RSV1}; {builder;ReservedBitsNotNegotiated|RSV1 without an agreement}.`,
      '{timeline|Timeline}: Pings and Pongs, the closing handshake, and which end ends TCP first.',
      'Inside the server: {own;phases|the phases}, {own;wheel|the timer wheel}, {own;limits|the limits for a message}.',
      '{room|Router}: how “100:hi” finds its receiver, and what happens with a slow reader.',
      '{exercises|Exercises}: the server checks your solution, and then says why it is right.'],
    ['{own|你的连接}：请求、响应和各帧，逐字节看；{own;accept|Accept 是怎样算出来的}。',
      `{step|逐字节}：一个字节一个字节地看一帧，解除掩码；{${pingBetween}|两个分片之间的 Ping}。`,
      '{builder|构造与破坏}：手工构造帧，看每条规则为什么存在：{builder;1002|1002} 还是 {builder;1007|1007}？',
      `压缩：{${compressed}|一条压缩过的消息，由 RSV1 标明}；{builder;ReservedBitsNotNegotiated|没有协商却置 1 的 RSV1}。`,
      '{timeline|时间线}：Ping 和 Pong、关闭握手，以及哪一端先结束 TCP。',
      '服务器内部：{own;phases|各个阶段}、{own;wheel|时间轮}、{own;limits|一条消息的上限}。',
      '{room|路由}：“100:hi” 怎样找到接收者，以及遇到慢读者会怎样。',
      '{exercises|练习}：由服务器判定你的解答，然后说明背后的道理。'],
  ],
  lead: ['This server’s own bytes, and what each of them means.', '这台服务器自己的字节，以及每个字节的含义。'],
  language: ['中文', 'English'],
  own: ['Your connection', '你的连接'],
  step: ['Step by step', '逐字节'],
  builder: ['Build and break', '构造与破坏'],
  timeline: ['Timeline', '时间线'],
  room: ['Router', '路由'],
  exercises: ['Exercises', '练习'],
  exercisesHelp: ['The server checks the bytes that were really sent.', '由服务器根据线路上的字节判定。'],
  judge: ['Check', '判定'],
  solved: ['Solved.', '完成。'],
  whySolved: ['Explanation ({0})', '说明（{0}）'],
  answer: ['Answer', '答案'],
  build: ['Build a frame', '构造一帧'],
  connecting: ['Connecting …', '正在连接……'],
  running: ['Running', '运行中'],
  ownEnded: ['Your connection has ended ({0}). “Open again” in “Your connection” opens a new one.',
    '你的连接已结束（{0}）。“你的连接” 里的 “重新打开” 会打开一个新的。'],
  ownSilent: ['Your connection has ended ({0}): you sent nothing for {1} s (--heartbeat). “Open again” in “Your connection” opens a '
    + 'new one.',
  '你的连接已结束（{0}）：你有 {1} 秒没有发送内容（--heartbeat）。“你的连接” 里的 “重新打开” 会打开一个新的。'],
  lineLost: ['This page has lost its connection to the server ({0}). It tries again in {1} s. Until then nothing on the page is live.',
    '本页与服务器的连接已断开（{0}），{1} 秒后重试。在此期间，页面上的内容都不是实时的。'],
  noLine: ['This page has no connection to the server now.', '本页现在没有与服务器的连接。'],
  notLive: ['Not live: this page has no connection to the server.', '非实时：本页没有与服务器的连接。'],
  isClosed: ['Not sent: your connection is closed. “Open again” opens a new one.', '没有发送：你的连接已关闭。“重新打开” 会打开一个新的。'],
  notYetOpen: ['Not sent: your connection is not open yet.', '没有发送：你的连接还没有打开。'],
  notOpened: ['Your connection could not be opened. The server’s log says why.', '无法打开你的连接。原因在服务器的日志里。'],
  notOpenedFor: ['Your connection could not be opened. {0}', '无法打开你的连接。{0}'],
  client: ['you → server', '你 → 服务器'],
  server: ['server → you', '服务器 → 你'],
  fromClient: ['from the client', '来自客户端'],
  fromServer: ['from the server', '来自服务器'],
  fromAny: ['decided by the mask bit', '由掩码位判断'],
  request: ['request', '请求'],
  response: ['response', '响应'],
  notRead: ['not read', '未读取'],
  frame0: ['continuation', '延续帧'],
  frame1: ['text', '文本帧'],
  frame2: ['binary', '二进制帧'],
  frame8: ['close', '关闭帧'],
  frame9: ['ping', 'Ping'],
  frame10: ['pong', 'Pong'],
  frameX: ['opcode {0}', '操作码 {0}'],
  part: ['not complete', '不完整'],
  send: ['Send', '发送'],
  message: ['Message', '消息'],
  ping: ['Ping from the server', '让服务器发送 Ping'],
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
    { handshake: 'waits for the handshake', silence: 'waits for you to send something', message: 'waits for the whole message',
      send: 'waits for you to read', probe: 'waits for a Pong', delivery: 'waits for a delivery', rate: 'waits until you may send more',
      close: 'waits for your Close' },
    { handshake: '等待握手', silence: '等待你发送内容', message: '等待整条消息', send: '等待你读取',
      probe: '等待 Pong', delivery: '等待投递', rate: '等到你可以再发送', close: '等待你的关闭帧' },
  ],
  dueIn: ['{0}: {1} s', '{0}：{1} 秒'],
  queued: ['Waiting to be sent', '等待发送'],
  wheel: ['The timer wheel', '时间轮'],
  wheelWhy: ['Why a wheel: each connection waits for something, and any wait may become too long. To check every connection again and '
    + 'again costs more, the more connections there are. A sorted list must be sorted again at each change. In the wheel a timer is '
    + 'put into the slot of its time, and at each step the server looks at one slot only: this costs the same for ten connections and '
    + 'for a million. A timer for a later time is in a coarser wheel, and moves to a finer one when its time comes near. The price: '
    + 'no timer is more exact than one tick, 16 ms.',
  '为什么用轮：每条连接都在等某件事，任何一次等待都可能超时。反复检查所有连接，连接越多代价越大；排好序的表则每次变化都要重新排序。在时间轮里，定时器放进它那个时刻的格，每走一步只看一格：十条连接和一百万条连接的代价一样。'
    + '很久以后的定时器放在较粗的轮里，时间临近时再移到较细的轮。代价是精度不超过一个节拍，即 16 毫秒。'],
  wheelHelp: ['The timers of all connections of one thread are in four wheels of 64 slots each. Beside each wheel you see how much '
    + 'time one slot of it covers. Each connection has one timer. The hand moves one slot at a time. A timer in its slot is due, or '
    + 'moves down to the next wheel. When you send something, the timer does not move: the server only notes the time. When the timer '
    + 'is due, the server checks when you last sent something. If that was not too long ago, it sets the timer again for the rest of '
    + 'the time.',
  '一个线程上所有连接的定时器都放在四个时间轮里，每个轮 64 格；每个轮的旁边写着一格是多长时间。每条连接只有一个定时器。指针一格一格走，走到的格里的定时器到期，或者移到下一级轮。你发送内容时定时器不移动，服务器只记下时间。'
    + '定时器到期时，服务器检查你上次发送是什么时候；如果还不算太久，就按剩余的时间重新设定定时器。'],
  slot: ['Set for tick {0}: wheel {1}, slot {2}', '设定在第 {0} 个节拍：第 {1} 轮，第 {2} 格'],
  noTimer: ['No timer is set.', '没有设定定时器。'],
  phaseTable: ['The table of phases', '阶段表'],
  phaseHelp: ['For each phase: what can happen, which phase comes next, and what is sent. The rows of the present phase are marked. '
    + '“Closing” happens only when the server sends its Close frame first: it still reads, because your Close frame comes '
    + 'after everything that you sent before. If you close first, the next phase is “draining” at once.',
  '每个阶段里：会发生什么，之后是哪个阶段，发送什么。当前阶段的行有标记。只有服务器先发送关闭帧时，才有“关闭中”这个阶段：它还在读，因为你的关闭帧排在你之前发送的内容后面。如果你先关闭，就直接进入“排空”。'],
  drainingHelp: ['“Draining” comes after the closing handshake, or after a broken rule: what waits for you is still sent, '
    + 'and what you send is discarded. When all is sent, the server ends its direction of TCP (TCP’s FIN), and waits until you end '
    + 'yours. It does not close the socket at once: a socket that is closed before all its bytes were read sends TCP’s RST, and then '
    + 'you may never see the Close frame (RFC 6455 §7.1.1).',
  '“排空” 在关闭握手之后，或者在违反规则之后：等着发给你的内容继续发送，你发来的内容被丢弃。全部发完后，服务器结束自己方向的 TCP（TCP 的 FIN），再等你结束你的方向。它不立即关闭套接字：套接字里还有没读的字节时关闭，'
    + '会发出 TCP 的 RST，你就可能看不到关闭帧（RFC 6455 §7.1.1）。'],
  tcpWhy: ['Why the server ends TCP first: the end that does it must remember the closed connection for a minute or longer '
    + '(TIME_WAIT), so that a late packet of it is not taken for one of a new connection. During this time a client could not connect '
    + 'again from the same port. For a server this is no problem: its port accepts new connections all the same (RFC 6455 §7.1.1).',
  '为什么服务器先结束 TCP：先结束的一端要把这条已关闭的连接再记住一分钟或更久（TIME_WAIT），以免迟到的包被当成新连接的。在这段时间里，客户端不能再从同一个端口连接；服务器则没有问题，它的端口照样接受新连接（RFC 6455 §7.1.1）。'],
  tcpEnds: [
    { ownFin: 'TCP’s FIN: the server ends its direction', peerFin: 'TCP’s FIN: the client ends its direction',
      ownReset: 'TCP’s RST: the server resets the connection', peerReset: 'TCP’s RST: the client resets the connection, or is gone' },
    { ownFin: 'TCP 的 FIN：服务器结束自己的方向', peerFin: 'TCP 的 FIN：客户端结束自己的方向',
      ownReset: 'TCP 的 RST：服务器重置连接', peerReset: 'TCP 的 RST：客户端重置连接，或者已不在' },
  ],
  tcpFirst: ['{0} (this side ended TCP first)', '{0}（这一方先结束 TCP）'],
  tcpOrder: ['How TCP ended, in the order that the server saw: {0}.', 'TCP 的结束，按服务器看到的顺序：{0}。'],
  happens: ['What happens', '发生的事'],
  then: ['Next phase', '下一阶段'],
  goesOut: ['What is sent', '发送什么'],
  events: [
    { upgrades: 'the upgrade is accepted', answers: 'the request gets another response', closes: 'the server or its application closes',
      peerCloses: 'your Close frame comes', fails: 'you break a rule', streamEnds: 'your stream ends (TCP’s FIN) without a Close frame',
      stops: 'the server stops', flushes: 'everything is sent', expires: 'closing takes too long', aborts: 'the server gives up',
      crashes: 'the server’s own code fails', finishes: 'your stream has ended too (TCP’s FIN)' },
    { upgrades: '接受升级', answers: '给请求别的响应', closes: '服务器或应用要关闭', peerCloses: '收到你的关闭帧', fails: '你违反了规则',
      streamEnds: '你的流结束（TCP 的 FIN），没有关闭帧', stops: '服务器停止', flushes: '全部发完', expires: '关闭用时过长', aborts: '服务器放弃',
      crashes: '服务器自己的代码出错', finishes: '你的流也已结束（TCP 的 FIN）' },
  ],
  sends: [{ nothing: '', answer: 'an HTTP response', close: 'a Close frame' }, { nothing: '', answer: 'HTTP 响应', close: '关闭帧' }],
  tcps: [
    { none: '', shut: 'TCP’s FIN: the server’s direction ends', closed: 'the socket is closed', reset: 'TCP’s RST: the socket is reset' },
    { none: '', shut: 'TCP 的 FIN：服务器的方向结束', closed: '关闭套接字', reset: 'TCP 的 RST：重置套接字' },
  ],
  limits: ['The limits for a message', '一条消息的上限'],
  limitMessage: ['Size of a message, all fragments together: {0} bytes (--max-message). If it is larger: 1009. The server checks this '
    + 'with the declared length, before the payload arrives.',
  '一条消息的大小，各分片合计：{0} 字节（--max-message），超过则 1009。服务器按声明的长度检查，不等载荷到达。'],
  limitFragments: ['Fragments of a message: {0} (--max-fragments). If there are more: 1009.', '一条消息的分片数：{0}（--max-fragments），超过则 1009。'],
  limitTime: ['Time for a message, from its first byte to its last: {0} s (--message-timeout). If it takes longer: 4001.',
    '一条消息从第一个字节到最后一个字节的时间：{0} 秒（--message-timeout），超过则 4001。'],
  limitQueue: ['Bytes that wait to be sent to one receiver: {0} (--send-buffer). If there are more, and the receiver reads nothing for '
    + '5 s, the server closes with 4000 when the next message for it comes.',
  '等待发送给一个接收者的字节数：{0}（--send-buffer）。超过它，而且接收者 5 秒内什么都没有读取，服务器就在下一条给它的消息到来时以 4000 关闭。'],
  bytesUnit: ['{0} bytes', '{0} 字节'],
  ended: ['Ended: {0}', '已结束：{0}'],
  rtt: ['Round trip', '往返'],
  unitsOf: ['What was sent and received', '发送和接收的内容'],
  strip: ['Bytes', '字节'],
  stripHelp: ['← → byte, ↑ ↓ field. The address of this page leads to this place.', '← → 移动字节，↑ ↓ 移动字段。本页地址会记住位置。'],
  fields: ['Fields', '字段'],
  diagram: ['The frame as the RFC draws it, with its bits', '按 RFC 的画法，填上这一帧的位'],
  mask: ['How the mask is removed', '解除掩码'],
  maskHelp: ['Byte i of the payload is XORed with byte i mod 4 of the masking key. The server does this in its receive buffer, without '
    + 'a copy, while the bytes arrive (Frame/Masking.cs#Apply, called by Frame/WebSocketProtocol.Data.cs#ReadPayload).',
  '载荷的第 i 个字节与掩码密钥的第 i mod 4 个字节异或。服务器在接收缓冲区里原地进行，不复制，边接收边做（Frame/Masking.cs#Apply，由 Frame/WebSocketProtocol.Data.cs#ReadPayload 调用）。'],
  next: ['Next byte', '下一个字节'],
  all: ['All', '全部'],
  again: ['Start again', '从头开始'],
  text: ['As characters (UTF-8)', '按字符（UTF-8）'],
  reason: ['The reason as characters (UTF-8)', '原因，按字符（UTF-8）'],
  inflated: ['Compressed; decompressed it is', '已压缩，解压后是'],
  accept: ['How Accept is made', 'Accept 是怎样算出来的'],
  acceptKey: ['1. The key that you sent', '1. 你发送的密钥'],
  acceptJoined: ['2. The key, then the fixed GUID', '2. 后面接上固定的 GUID'],
  acceptHash: ['3. SHA-1 of that, 20 bytes', '3. 对它做 SHA-1，20 字节'],
  acceptEnd: ['4. In base64: Sec-WebSocket-Accept', '4. 转成 base64：Sec-WebSocket-Accept'],
  acceptWhy: ['Why: a server that does not know WebSocket, or a cache with an old response, cannot send this value by accident. It is not '
    + 'for security: the key is not secret, and anyone can compute the value.',
  '为什么：不懂 WebSocket 的服务器，或者拿旧响应答复的缓存，不可能碰巧给出这个值。它不是安全措施：密钥不是秘密，谁都能算出这个值。'],
  why: ['Why', '为什么'],
  broken: ['Broken rule: {0}', '违反的规则：{0}'],
  closeWith: ['close code {0}', '关闭码 {0}'],
  statusWith: ['HTTP status {0}', 'HTTP 状态 {0}'],
  source: ['Decided in {0}', '由 {0} 判定'],
  more: ['{0} more bytes are not shown', '另有 {0} 字节未显示'],
  hex: ['Bytes in hexadecimal', '十六进制字节'],
  codeExample: ['An example of a Close frame with {0}. The frame itself breaks no rule.', '带有 {0} 的关闭帧的例子。这个帧本身没有违反规则。'],
  hexWrong: ['These are not pairs of hexadecimal digits.', '这不是成对的十六进制数字。'],
  from: ['Sender', '发送方'],
  tooManyBefore: ['There are too many frames before it, so it cannot be checked here.', '它之前的帧太多，无法在这里判断。'],
  malformed: ['Byte {0} is wrong: this is not a response of HTTP/1.1. A client fails the connection.',
    '第 {0} 个字节有错：这不是 HTTP/1.1 的响应。客户端会使连接失败。'],
  frame: ['A frame', '一帧'],
  opcode: ['Opcode', '操作码 (opcode)'],
  maskKey: ['Masking key', '掩码密钥 (masking key)'],
  lengthForm: ['Form of the payload length', '载荷长度 (payload length) 的形式'],
  lengthAuto: ['the shortest form', '最短形式'],
  bits7: ['7 bits', '7 位'],
  bits16: ['16 bits', '16 位'],
  bits64: ['64 bits', '64 位'],
  lengthSaid: ['Declared length', '声明的长度'],
  payloadText: ['Payload as text', '载荷 (payload)，文本'],
  payloadHex: ['or in hexadecimal', '或十六进制'],
  addFrame: ['Add this frame', '加入待发送内容'],
  toSend: ['Bytes to send, in hexadecimal: each line is sent alone; “pause 200” waits 200 ms',
    '待发送的字节（十六进制）：每行单独发送；“pause 200” 表示等待 200 毫秒'],
  withHandshake: ['with a valid handshake first', '先做一次正确的握手'],
  ending: ['Then', '然后'],
  finBit: ['FIN bit (last frame of the message)', 'FIN 位（消息的最后一帧）'],
  endFin: ['end the TCP stream (TCP’s FIN)', '结束 TCP 流（TCP 的 FIN）'],
  endStay: ['wait', '等待'],
  endRst: ['reset the TCP connection (TCP’s RST)', '重置 TCP 连接（TCP 的 RST）'],
  cameFin: ['TCP’s FIN (the end of its stream, not the FIN bit of a frame)', 'TCP 的 FIN（流结束，不是帧里的 FIN 位）'],
  cameRst: ['TCP’s RST (a reset)', 'TCP 的 RST（重置）'],
  explain: ['Explain', '解释'],
  tryIt: ['Send to the server', '发给服务器'],
  clear: ['Clear', '清空'],
  gallery: ['Every rule, with an example that breaks it, and every close code', '每条规则，附一个违反它的例子；以及每个关闭码'],
  closeCode: ['close code', '关闭码'],
  filter: ['Filter', '筛选'],
  noSuchRule: ['There is no rule and no close code with this name: {0}', '没有这个名称的规则或关闭码：{0}'],
  ruleHelp: ['The address of this page leads to the chosen rule, so you can send it to somebody.', '本页地址会记住所选的规则，可以发给别人。'],
  filterRules: ['Filter: a name, code, section, or word', '筛选：名称、代码、章节，或说明里的词'],
  noneFound: ['“{0}” is in no name, code, section or sentence.', '名称、代码、章节和说明里都没有 “{0}”。'],
  verdict: ['Result', '结果'],
  verdictOk: ['No rule was broken.', '没有违反规则。'],
  cameBack: ['How the server ended the connection: {0}{1}.', '服务器结束连接的方式：{0}{1}。'],
  withCode: [', code {0}', '，关闭码 {0}'],
  withStatus: [', HTTP status {0}', '，HTTP 状态 {0}'],
  endOpen: ['not at all; it was still open', '没有结束，连接仍然打开'],
  endNone: ['not at all; the client had reset it', '没有结束，客户端已重置'],
  onlyServer: ['Only a server sends these bytes. So they are only explained, and not sent to the server.', '只有服务器会发送这些字节，所以不发给服务器，只作解释。'],
  onlyEndpoints: ['This server accepts every path. So this is only explained, for a server with the one endpoint /ws/, and not sent.',
    '这台服务器接受任何路径，所以不发送，只作解释：按只有一个端点 /ws/ 的服务器来判断。'],
  onlyFewer: ['This server allows more fragments (--max-fragments) than this page can send. So this is only explained, for a server '
    + 'that allows 3.',
  '这台服务器允许的分片（--max-fragments）比本页能发送的还多，所以只作解释：按只允许 3 个分片的服务器来判断。'],
  onlyCompressed: ['This server does not agree to compression (--compression on), so RSV1 would already fail the connection. So this '
    + 'is only explained, for a server that has agreed.',
  '这台服务器不同意压缩（--compression on），RSV1 就会使连接失败，所以只作解释：按已经同意压缩的服务器来判断。'],
  declined: ['No rule is broken: the server declines the offer of compression, and its response names no extension.',
    '没有违反规则：服务器拒绝了压缩的提议，响应里没有写任何扩展。'],
  doIt: ['What to do', '怎么办'],
  pause: ['Pause', '暂停'],
  goOn: ['Continue', '继续'],
  everything: ['everything', '全部'],
  chosenRow: ['The chosen row', '所选的一行'],
  keepAlives: ['{0} keep-alives', '{0} 个保活消息'],
  keepAlivesHelp: ['Keep-alives are “ping”, “pong” and empty messages. The router delivers them to nobody: they only tell the server '
    + 'that somebody is there (--heartbeat). Several keep-alives in a row are shown as one row, which you can open. This page sends '
    + 'some on its router connections.',
  '保活消息是 “ping”、“pong” 和空消息。路由不投递给任何人，它们只告诉服务器还有人在（--heartbeat）。连续出现的保活消息折叠成一行，可以展开。本页在它的路由连接上会发送一些。'],
  notKept: ['The bytes of this frame, or of the frames before it in its message, are no longer stored.', '这一帧的字节，或者同一消息中它之前的帧的字节，已不再保存。'],
  onlyData: ['messages', '消息'],
  onlyControl: ['ping, pong, close', 'Ping、Pong、关闭帧'],
  onlyInside: ['phases, queue, end of TCP', '阶段、队列、TCP 的结束'],
  lane: ['Connection', '连接'],
  allLanes: ['all', '全部'],
  fragment: ['fragment {0}', '分片 {0}'],
  lastFragment: ['last fragment, {0}', '最后分片 {0}'],
  emptyTimeline: ['Here you will see what happens on your connections.', '你的连接上发生的事会出现在这里。'],
  leftOut: ['not shown: {0}', '略去 {0} 项'],
  saveJson: ['Save as JSON', '保存为 JSON'],
  savePcap: ['Save as pcapng', '保存为 pcapng'],
  load: ['Load JSON', '载入 JSON'],
  nothingToSave: ['There is no connection with bytes to save.', '没有可以保存字节的连接。'],
  loadWrong: ['“{0}” is not a trace: {1}. It must be JSON as “Save as JSON” writes it: {"format":"{2}","client":"…","server":"…"}, '
    + 'with the bytes of each direction in hexadecimal.',
  '“{0}” 不是轨迹文件：{1}。应为 “保存为 JSON” 写出的 JSON：{"format":"{2}","client":"…","server":"…"}，每个方向的字节用十六进制。'],
  noJson: ['it is not JSON', '不是 JSON'],
  noJsonAt: ['it is not JSON, wrong at character {0}', '不是 JSON，第 {0} 个字符有错'],
  noJsonIn: ['it is not JSON, wrong in line {0}, column {1}', '不是 JSON，第 {0} 行第 {1} 列有错'],
  wrongMember: ['member "{0}" is missing or wrong', '成员 "{0}" 缺失或有错'],
  wrongHex: ['member "{0}", character {1}: pairs of hexadecimal digits are expected', '成员 "{0}"，第 {1} 个字符：应为成对的十六进制数字'],
  loaded: ['You see {0}. “Open again” shows your connection.', '显示的是 {0}。“重新打开” 回到你的连接。'],
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
