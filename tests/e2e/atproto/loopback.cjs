// The packages listen on all interfaces; tests must be reachable from this machine only.
// Preloaded with `node --require`, so that it holds for every server that any of them opens.
'use strict'

const net = require('node:net')

const listen = net.Server.prototype.listen

net.Server.prototype.listen = function (...args) {
  const [first, second] = args
  if (first !== null && typeof first === 'object' && 'port' in first) {
    args[0] = { ...first, host: '127.0.0.1' }
  } else if (typeof first === 'number' || /^\d+$/.test(String(first))) {
    if (typeof second === 'string') args.splice(1, 1)
    args.splice(1, 0, '127.0.0.1')
  } else if (first === undefined || typeof first === 'function') {
    args.splice(0, first === undefined ? 1 : 0, 0, '127.0.0.1')
  }
  return listen.apply(this, args)
}
