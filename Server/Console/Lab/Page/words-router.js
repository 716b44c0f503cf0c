// What the page says of the router, in English and Chinese.

export const router = {
  roomHelp: ['These connections are like everybody’s: each has a uid, and “uid:message” goes to all of that uid. You see those that this '
    + 'page has opened.',
    '这些连接与普通连接一样：各有一个 uid，“uid:消息” 会发给该 uid 的所有连接。这里只显示本页打开的连接。'],
  roomHelpAll: ['These connections are like everybody’s: each has a uid, and “uid:message” goes to all of that uid. You see all that the '
    + 'server has (--lab all).',
    '这些连接与普通连接一样：各有一个 uid，“uid:消息” 会发给该 uid 的所有连接。这里显示服务器的全部连接（--lab all）。'],
  noRouter: ['This server does not route: it sends every message back (--app echo).', '这台服务器不做路由：每条消息都原样发回（--app echo）。'],
  roomUid: ['A further uid', '另一个 uid'], join: ['Join', '加入'],
  roomFrom: ['From', '发送者'], roomMessage: ['uid:message, or all:message', 'uid:消息，或 all:消息'],
  notJoined: ['“{0}” was refused.', '“{0}” 被拒绝。'],
  refusals: [
    { 400: '400: this cannot be a uid. It is 1 to 64 bytes of UTF-8 without colon or control character; all, error and what begins with @ '
      + 'are reserved.', 409: '409: the uid is taken.', 429: '429: this uid, or this address, has as many connections as it may.',
      503: '503: there is no room. This page can have {0} connections at once: close one. Or the server has no room for more.' },
    { 400: '400：这不能作为 uid。uid 是 1 到 64 字节的 UTF-8，不含冒号和控制字符；all、error 以及以 @ 开头的是保留的。',
      409: '409：该 uid 已被占用。', 429: '429：该 uid 或该地址的连接数已达上限。',
      503: '503：没有位置。本页同时最多有 {0} 个连接，请关闭一个；也可能是服务器已满。' },
  ],
  nobodyHere: ['None of this page’s connections is open. Join first.', '本页没有打开的连接。请先加入。'],
  noUid: ['(no uid)', '（没有 uid）'],
  who: ['Who is here', '谁在这里'],
  way: ['The way of a message', '一条消息的路'],
  way1: ['1. It comes from {0}, #{1}', '1. 来自 {0}，#{1}'],
  way2: ['2. The first colon splits it', '2. 在第一个冒号处切开'],
  way3: ['3. The directory: who has this uid?', '3. 目录：谁有这个 uid？'],
  way4: ['4. The rest goes out, to each as a frame of its own', '4. 其余部分发出，每人一帧'],
  wayNoColon: ['There is no colon.', '没有冒号。'],
  wayProblem: ['It goes nowhere: {0}', '无处可去：{0}'],
  wayAll: ['all: every open connection, with or without a uid, but not the Lab’s own',
    'all：每个打开的连接，有没有 uid 都算，但不包括实验室自己的连接'],
  apart: ['the Lab’s own: gets no message to all', '实验室自己的：收不到发给 all 的消息'],
  wayOthers: ['and others, who are not shown', '以及未显示的其他连接'],
  wayNobody: ['nobody', '没有人'],
  wayBack: ['Back to {0}: error:{1}:…', '发回给 {0}：error:{1}:…'],
  wayNotYet: ['not seen on the wire yet', '线路上还没有看到'],
  slowly: ['A reader that is slow', '一个慢的读者'],
  slowlyHelp: ['A browser takes everything at once. This reader takes what you let it; what it does not take waits, first in the '
    + 'kernel’s buffer (here 64 KiB of memory), then in its send queue. When that is full, the sender is told error:too-slow. A reader '
    + 'whose queue has been full for 5 s, and that has taken nothing, is closed with 4000. The server looks at that when the next '
    + 'message for it comes, and not before: so fill, wait 5 s, and fill again.',
  '浏览器总是立刻取走。这个读者按你允许的速度取；取不走的先等在内核缓冲区（这里是 64 KiB 内存），再等在发送队列。队列满了，发送者收到 error:too-slow。'
    + '队列满了 5 秒、期间什么都没取的读者，以 4000 关闭。服务器只在下一条给它的消息到来时才检查：所以先填满，等 5 秒，再填一次。'],
  takes: ['It takes', '它取'], rate: ['{0} bytes a second', '每秒 {0} 字节'],
  slowBegin: ['Let it join', '让它加入'],
  fill: ['Send it {0} × {1} bytes', '发给它 {0} × {1} 字节'],
};
