// What the page says of the router, in English and Chinese.

export const router = {
  roomHelp: ['These connections are like all others: each has a uid, and “uid:message” goes to all connections with that uid. You see '
    + 'those that this page has opened.',
  '这些连接与其他连接一样：各有一个 uid，“uid:消息” 会发给该 uid 的所有连接。这里只显示本页打开的连接。'],
  roomHelpAll: ['These connections are like all others: each has a uid, and “uid:message” goes to all connections with that uid. You '
    + 'see all connections of the server (--lab all).',
  '这些连接与其他连接一样：各有一个 uid，“uid:消息” 会发给该 uid 的所有连接。这里显示服务器的全部连接（--lab all）。'],
  noRouter: ['This server does not route: it sends every message back (--app echo).', '这台服务器不做路由：每条消息都原样发回（--app echo）。'],
  roomUid: ['Another uid', '另一个 uid'],
  join: ['Join', '加入'],
  roomFrom: ['From', '发送者'],
  roomMessage: ['uid:message, or all:message', 'uid:消息，或 all:消息'],
  notJoined: ['“{0}” was refused.', '“{0}” 被拒绝。'],
  refusals: [
    { 400: '400: this cannot be a uid. It is 1 to 64 bytes of UTF-8 without colon or control character; all, error and what begins with @ '
      + 'are reserved.', 409: '409: the uid is taken.', 429: '429: this uid, or this address, has as many connections as it may.',
      503: '503: there is no room. This page can have {0} connections at once: close one. Or the server has no room for more.' },
    { 400: '400：这不能作为 uid。uid 是 1 到 64 字节的 UTF-8，不含冒号和控制字符；all、error 以及以 @ 开头的是保留的。',
      409: '409：该 uid 已被占用。', 429: '429：该 uid 或该地址的连接数已达上限。',
      503: '503：没有位置。本页同时最多有 {0} 个连接，请关闭一个；也可能是服务器已满。' },
  ],
  nobodyHere: ['This page has no open connection here. Join first.', '本页没有打开的连接。请先加入。'],
  noUid: ['(no uid)', '（没有 uid）'],
  who: ['Who is here', '谁在这里'],
  way: ['How a message travels', '一条消息经过的路'],
  way1: ['1. It comes from {0}, #{1}', '1. 来自 {0}，#{1}'],
  way2: ['2. It is split at the first colon', '2. 在第一个冒号处分开'],
  way3: ['3. The directory: which connections have this uid?', '3. 目录：哪些连接有这个 uid？'],
  way4: ['4. The rest is sent, to each of them in a frame of its own', '4. 其余部分发给它们，每条连接各一帧'],
  wayNoColon: ['There is no colon.', '没有冒号。'],
  wayProblem: ['It goes nowhere: {0}', '没有发出：{0}'],
  wayAll: ['all: every open connection, with or without a uid, but not those of the Lab itself', 'all：每条打开的连接，有没有 uid 都算，但不包括 Lab 自己的连接'],
  apart: ['of the Lab itself: gets no message to all', 'Lab 自己的：收不到发给 all 的消息'],
  wayOthers: ['and others, which are not shown', '以及未显示的其他连接'],
  wayNobody: ['nobody', '没有人'],
  wayBack: ['Back to {0}: error:{1}:…', '发回给 {0}：error:{1}:…'],
  wayNotYet: ['not sent yet', '线路上还没有看到'],
  slowly: ['A slow reader', '慢读者'],
  slowlyHelp: ['A browser reads everything at once. This reader reads only as fast as you let it. What it does not read waits: first '
    + 'in the kernel’s buffer (here 64 KiB of memory), then in its send queue. When the queue is full, the sender gets '
    + 'error:too-slow. If the queue has been full for 5 s and the reader has read nothing, the server closes with 4000. It checks '
    + 'this only when the next message for the reader comes: so fill, wait 5 s, and fill again.',
  '浏览器总是立刻读取一切。这个读者只按你允许的速度读取。没有读取的先等在内核的缓冲区里（这里是 64 KiB 内存），再等在它的发送队列里。队列满了，发送者收到 error:too-slow。队列满了 5 秒、'
    + '其间读者什么都没有读取，服务器就以 4000 关闭。服务器只在下一条给它的消息到来时才检查：所以先填满，等 5 秒，再填一次。'],
  takes: ['It reads', '它读取'],
  rate: ['{0} bytes a second', '每秒 {0} 字节'],
  slowBegin: ['Let it join', '让它加入'],
  fill: ['Send it {0} × {1} bytes', '发给它 {0} × {1} 字节'],
};
