// What the page says of what is over, full, wrong or not there, in English and Chinese.

export const live = {
  partOver: ['Your connection has ended, so nothing moves here.', '你的连接已结束，所以这里不再变化。'],
  noPlace: ['There is no place “{0}” here. What you see is “{1}”.', '这里没有 “{0}” 这个位置。现在显示的是 “{1}”。'],
  moreUnits: ['… {0} more', '……还有 {0} 个'],
  foldAgain: ['Fold again', '收起'],
  undoNext: ['Unmask the next byte', '解除下一个字节的掩码'],
  keyWrong: ['“{0}” is no masking key. It has 4 bytes, which are 8 hexadecimal digits, for example 37fa213d.',
    '“{0}” 不是掩码密钥。密钥有 4 个字节，即 8 个十六进制数字，例如 37fa213d。'],
  lengthWrong: ['“{0}” is no length. It is a whole number that fits into 64 bits, for example 126.',
    '“{0}” 不是长度。长度是 64 位放得下的整数，例如 126。'],
  full: ['full', '已满'],
  overLimit: ['The queue is full: {0} bytes may wait (--send-buffer). The server checks that before it accepts a message, without the '
    + 'message’s own length. So one message may exceed the limit; the next one is refused.',
  '队列已满：最多等待 {0} 字节（--send-buffer）。服务器在接收一条消息之前看这个数，不看这条消息有多长，所以可以有一条消息超出；再下一条就被拒绝。'],
  slowlyZero: ['At 0 bytes a second the reader takes nothing. Let it join, fill its queue, wait 5 s, and fill it again: first you see '
    + 'error:too-slow, then the close code 4000. (If you wait longer than --send-timeout, 30 s by default, the server drops the '
    + 'connection without a Close.) A reader that takes a little now and then is slow too, but it is not closed.',
  '每秒 0 字节时它什么都不取：让它加入，填满，等 5 秒，再填一次。先看到 error:too-slow，然后是 4000。（等得比 --send-timeout 更久，默认 30 秒，'
    + '服务器就不发关闭帧而直接放弃它。）偶尔取一点的读者也慢，但不会被关闭。'],
  stillEnds: ['{0} is still closing: it takes nothing, so the server waits for it for some seconds. Then it can join again.',
  '{0} 还在结束：它什么都不取，服务器要白等几秒。之后它可以重新加入。'],
  sentBack: ['What the server has sent back to senders', '服务器发回给发送者的'],
  sentBackOne: ['← {0}: {1}', '← {0}：{1}'],
  times: ['× {0}', '× {0}'],
  wayBackTimes: ['Back to {0}: {1} (× {2} so far)', '发回给 {0}：{1}（到目前为止 × {2}）'],
  roomGone: ['{0} #{1} is not here any more: {2}', '{0} #{1} 已不在这里：{2}'],
};
