// A stand-in for Bluesky's chat service, whose source is closed: direct conversations between two
// people, kept in memory. It is built on the public lexicons `chat.bsky.*`: `@atproto/xrpc-server`
// checks every request and every answer against them. Who asks is told by the service token that
// their own server (PDS) signs when it hands a request on.

export const CHAT_DID = 'did:web:api.bsky.chat'
const PAGE = 100

/** Start one, and let the network's PDS find it by its DID; return its URL. */
export async function startChat(require, network) {
  const { createServer, verifyJwt, AuthRequiredError } = require('@atproto/xrpc-server')
  const { schemas } = require('@atproto/api')
  const { IdResolver } = require('@atproto/identity')
  const resolver = new IdResolver({ plcUrl: network.plc.url })
  const key = (did, refresh) => resolver.did.resolveAtprotoKey(did, refresh)
  const auth = async ({ req }) => {
    const token = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1]
    if (!token) throw new AuthRequiredError('no service token', 'AuthMissing')
    const lxm = req.path.replace('/xrpc/', '')
    const { iss } = await verifyJwt(token, CHAT_DID, lxm, key)
    return { credentials: { did: iss.split('#')[0] } }
  }
  const chat = new Chat(require, network)
  const server = createServer(schemas, { validateResponse: true })
  for (const name of METHODS) {
    const handler = ({ auth, params, input }) => chat[name](auth.credentials.did, { ...params, ...input?.body })
    const answer = async (asked) => ({ encoding: 'application/json', body: await handler(asked) })
    server.method(`chat.bsky.convo.${name}`, { auth, handler: answer })
  }
  const listener = server.router.listen(0, '127.0.0.1')
  await new Promise((resolve) => listener.once('listening', resolve))
  const url = `http://localhost:${listener.address().port}`
  answerFor(network.pds.ctx.idResolver.did, url)
  return url
}

/** Let DIDs be resolved as ever, but the chat service's to the stand-in. */
function answerFor(did, serviceEndpoint) {
  const resolve = did.resolveNoCache.bind(did)
  const service = [{ id: '#bsky_chat', type: 'BskyChatService', serviceEndpoint }]
  did.resolveNoCache = async (asked, ...more) =>
    asked === CHAT_DID
      ? { '@context': ['https://www.w3.org/ns/did/v1'], id: CHAT_DID, service }
      : resolve(asked, ...more)
}

const METHODS = [
  'getConvoForMembers', 'getConvoAvailability', 'sendMessage', 'getMessages', 'getLog', 'listConvos',
]

class Chat {
  constructor(require, network) {
    const { InvalidRequestError } = require('@atproto/xrpc-server')
    const { AtpAgent } = require('@atproto/api')
    this.refuse = (name, words = name) => new InvalidRequestError(words, name)
    this.tid = require('@atproto/common').TID
    this.pds = new AtpAgent({ service: network.pds.url.replace('//localhost:', '//127.0.0.1:') })
    this.appview = new AtpAgent({ service: network.bsky.url.replace('//localhost:', '//127.0.0.1:') })
    this.convos = new Map() // by the two DIDs, sorted
    this.logs = new Map() // by DID
  }

  /** Get or create the conversation; an old one stays open to both. */
  async getConvoForMembers(me, { members }) {
    const other = theOther(me, members)
    const known = this.convos.get(keyOf(me, other))
    const refusal = await this.refusalOf(me, other)
    if (refusal && !(known && refusal !== 'BlockedActor')) throw this.refuse(refusal)
    const convo = known ?? this.begin(me, other)
    return { convo: await this.view(convo, me) }
  }

  async getConvoAvailability(me, { members }) {
    const other = theOther(me, members)
    const known = this.convos.get(keyOf(me, other))
    const refusal = await this.refusalOf(me, other)
    const canChat = !refusal || (known !== undefined && refusal !== 'BlockedActor')
    return known ? { canChat, convo: await this.view(known, me) } : { canChat }
  }

  async sendMessage(me, { convoId, message }) {
    const convo = this.own(me, convoId)
    const other = convo.members.find((did) => did !== me) ?? me
    if ((await this.refusalOf(me, other)) === 'BlockedActor') throw this.refuse('InvalidConvo')
    const rev = this.tid.nextStr()
    const said = { id: rev, rev, text: message.text, sender: { did: me }, sentAt: new Date().toISOString() }
    if (message.facets) said.facets = message.facets
    convo.messages.push(said)
    convo.rev = rev
    this.note('logCreateMessage', convo, { rev, message: view(said) })
    return said
  }

  async getMessages(me, { convoId, limit, cursor }) {
    const { messages } = this.own(me, convoId)
    const older = messages.filter(({ rev }) => !cursor || rev < cursor).reverse()
    const page = older.slice(0, limit)
    const more = older.length > page.length ? { cursor: page.at(-1).rev } : {}
    return { messages: page.map(view), ...more }
  }

  async getLog(me, { cursor }) {
    const all = this.logs.get(me) ?? []
    const page = all.filter(({ rev }) => !cursor || rev > cursor).slice(0, PAGE)
    return { logs: page, cursor: page.at(-1)?.rev ?? cursor }
  }

  async listConvos(me, { limit }) {
    const mine = [...this.convos.values()].filter(({ members }) => members.includes(me))
    const page = mine.sort((a, b) => (a.rev < b.rev ? 1 : -1)).slice(0, limit)
    return { convos: await Promise.all(page.map((convo) => this.view(convo, me))) }
  }

  begin(me, other) {
    const rev = this.tid.nextStr()
    const convo = { id: rev, rev, members: [me, other], messages: [] }
    this.convos.set(keyOf(me, other), convo)
    this.note('logBeginConvo', convo, { rev })
    return convo
  }

  own(me, convoId) {
    const convo = [...this.convos.values()].find(({ id }) => id === convoId)
    if (!convo?.members.includes(me)) throw this.refuse('InvalidConvo')
    return convo
  }

  /** Tell why `me` may not begin to write to `other`, by the name of the lexicon's error. */
  async refusalOf(me, other) {
    const found = await this.appview.getProfile({ actor: other }).catch(() => undefined)
    if (!found) return 'RecipientNotFound'
    if (await this.hasBlocked(other, me)) return 'BlockedActor'
    const allowed = await this.declared(other)
    if (allowed === 'all') return undefined
    if (allowed === 'none') return 'MessagesDisabled'
    return (await this.follows(other, me)) ? undefined : 'NotFollowedBySender'
  }

  async declared(did) {
    const collection = 'chat.bsky.actor.declaration'
    const asked = { repo: did, collection, rkey: 'self' }
    const found = await this.pds.com.atproto.repo.getRecord(asked).catch(() => undefined)
    return found?.data.value.allowIncoming ?? 'following'
  }

  async follows(did, other) {
    const { data } = await this.appview.app.bsky.graph.getRelationships({ actor: did, others: [other] })
    return data.relationships[0]?.following !== undefined
  }

  async hasBlocked(did, other) {
    const asked = { repo: did, collection: 'app.bsky.graph.block', limit: 100 }
    const found = await this.pds.com.atproto.repo.listRecords(asked).catch(() => undefined)
    return found?.data.records.some(({ value }) => value.subject === other) ?? false
  }

  note(kind, convo, event) {
    const log = { $type: `chat.bsky.convo.defs#${kind}`, convoId: convo.id, ...event }
    for (const did of new Set(convo.members)) this.logs.set(did, [...(this.logs.get(did) ?? []), log])
  }

  async view(convo, me) {
    const members = await Promise.all(convo.members.map((did) => this.profile(did)))
    const last = convo.messages.at(-1)
    const unreadCount = convo.messages.filter(({ sender }) => sender.did !== me).length
    const shown = { id: convo.id, rev: convo.rev, members, muted: false, unreadCount }
    return last ? { ...shown, lastMessage: view(last) } : shown
  }

  async profile(did) {
    const found = await this.appview.getProfile({ actor: did }).catch(() => undefined)
    return { did, handle: found?.data.handle ?? 'handle.invalid' }
  }
}

function theOther(me, members) {
  return members.find((did) => did !== me) ?? me
}

function keyOf(me, other) {
  return [me, other].sort().join(' ')
}

function view(message) {
  return { $type: 'chat.bsky.convo.defs#messageView', ...message }
}
