// A feed generator: the small server behind a feed, which the AppView asks for posts by the lexicon
// `app.bsky.feed.getFeedSkeleton`. Its DID stands in the network's PLC directory.
import { createServer } from 'node:http'

/** Start one that serves `posts` (AT URIs) as the feed `uri`; return its DID. */
export async function startFeed(require, plcUrl, uri, posts) {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://127.0.0.1')
    const known = pathname === '/xrpc/app.bsky.feed.getFeedSkeleton' && searchParams.get('feed') === uri
    const body = known ? page(posts, searchParams) : { error: 'UnknownFeed', message: 'no such feed' }
    response.writeHead(known ? 200 : 400, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return register(require, plcUrl, `http://localhost:${server.address().port}`)
}

/** The cursor is how many posts were shown. */
function page(posts, params) {
  const start = Number(params.get('cursor') ?? 0)
  const end = start + Number(params.get('limit') ?? 50)
  const feed = posts.slice(start, end).map((post) => ({ post }))
  return end < posts.length ? { feed, cursor: String(end) } : { feed }
}

async function register(require, plcUrl, endpoint) {
  const plc = require('@did-plc/lib')
  const { Secp256k1Keypair } = require('@atproto/crypto')
  const key = await Secp256k1Keypair.create()
  const operation = await plc.signOperation(
    {
      type: 'plc_operation',
      verificationMethods: { atproto: key.did() },
      rotationKeys: [key.did()],
      alsoKnownAs: [],
      services: { bsky_fg: { type: 'BskyFeedGenerator', endpoint } },
      prev: null,
    },
    key,
  )
  const did = await plc.didForCreateOp(operation)
  await new plc.Client(plcUrl).sendOperation(did, operation)
  return did
}
