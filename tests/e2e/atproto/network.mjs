// Starts a real AT Protocol network (PLC directory, PDS, AppView) with a stand-in for its chat
// service, fills it with people, prints one line of JSON when everything is indexed, and runs until
// SIGTERM or until standard input ends.
//
// Run in the folder that holds node_modules, with loopback.cjs preloaded, and with
//   OMNI_NETWORK_POSTGRES  a connection string (a Unix socket will do)
//   OMNI_NETWORK_REDIS     host:port
//   OMNI_NETWORK_SCHEMA    prefix of the Postgres schemas: letters and underscore only
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { CHAT_DID, startChat } from './chat.mjs'
import { startFeed } from './feed.mjs'
import { HUB, people, picture } from './people.mjs'

const require = createRequire(join(process.cwd(), 'package.json'))
const HOUR = 3_600_000
const PARALLEL = 8
const INDEXED_WITHIN_MS = 180_000

async function main() {
  const network = await startNetwork()
  stopOnRequest(network)
  const urls = { pds: loopback(network.pds.url), appview: loopback(network.bsky.url) }
  await startChat(require, network)
  const accounts = await fill(urls.pds, people())
  const made = await makeRecords(network, accounts)
  await network.processAll(INDEXED_WITHIN_MS)
  await hide(network, accounts.find(({ person }) => person.role === 'moderated').did)
  await indexed(urls.appview, accounts, made)
  const known = accounts.map(({ did, person }) => ({
    did,
    handle: person.handle,
    password: person.password,
    theme: person.theme,
    role: person.role,
    posts: person.role === 'bare' ? 0 : person.posts.length,
    has_avatar: person.role !== 'bare' && person.hasAvatar,
    allow_incoming: (person.role !== 'bare' && person.allowIncoming) || 'following',
  }))
  const appview_did = network.bsky.ctx.cfg.serverDid
  const told = { ...urls, ...made, appview_did, chat_did: CHAT_DID }
  console.log(JSON.stringify({ ...told, hub: known[HUB].did, accounts: known }))
}

async function startNetwork() {
  process.env.REDIS_HOST = process.env.OMNI_NETWORK_REDIS
  const { TestNetwork } = require('@atproto/dev-env')
  const port = await freePort()
  return TestNetwork.create({
    dbPostgresUrl: process.env.OMNI_NETWORK_POSTGRES,
    dbPostgresSchema: process.env.OMNI_NETWORK_SCHEMA,
    bsky: { port, publicUrl: `http://127.0.0.1:${port}` },
  })
}

function stopOnRequest(network) {
  let stopping = false
  const stop = async () => {
    if (stopping) return
    stopping = true
    setTimeout(() => process.exit(0), 5_000).unref()
    await network.close().catch(() => undefined)
    process.exit(0)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.stdin.on('end', stop).resume()
}

/** Create all accounts with everything that they say and do. */
async function fill(pds, everybody) {
  const { AtpAgent } = require('@atproto/api')
  const accounts = await inParallel(everybody, async (person) => {
    const agent = new AtpAgent({ service: pds })
    const { handle, password } = person
    await agent.createAccount({ email: `${handle}@mail.test`, handle, password })
    return { person, agent, did: agent.session.did, posts: [] }
  })
  const clock = distinctMoments(Date.now())
  await inParallel(accounts, (account) => present(account, clock))
  await inParallel(accounts, (account) => connect(account, accounts, clock))
  return accounts
}

/** Write the profile, the chat declaration and the posts. */
async function present(account, clock) {
  const { person, agent } = account
  if (person.role === 'bare') return
  const record = {
    $type: 'app.bsky.actor.profile',
    displayName: person.displayName,
    description: person.bio,
    website: person.website,
    createdAt: clock(person.ageDays * 24),
  }
  if (person.hasAvatar) record.avatar = await upload(agent, picture(person.index, 96, 96))
  if (person.hasBanner) record.banner = await upload(agent, picture(person.index, 240, 80))
  if (person.role === 'bot') record.labels = selfLabel('bot')
  if (person.role === 'private') record.labels = selfLabel('!no-unauthenticated')
  const writes = [create('app.bsky.actor.profile', record, 'self')]
  if (person.allowIncoming) {
    const declaration = { allowIncoming: person.allowIncoming }
    writes.push(create('chat.bsky.actor.declaration', declaration, 'self'))
  }
  for (const { text, ageHours } of person.posts) {
    const facets = facetsOf(text)
    writes.push(create('app.bsky.feed.post', { text, facets, createdAt: clock(ageHours) }))
  }
  const results = await apply(account, writes)
  const isPost = ({ uri }) => uri.includes('/app.bsky.feed.post/')
  account.posts = results.filter(isPost).map(({ uri, cid }) => ({ uri, cid }))
}

/** Find the hashtags and links of a text, as the apps do. */
function facetsOf(text) {
  const { RichText } = require('@atproto/api')
  const rich = new RichText({ text })
  rich.detectFacetsWithoutResolution()
  return rich.facets
}

/** Write the follows, likes, reposts and replies. */
async function connect(account, accounts, clock) {
  const { person } = account
  const writes = person.follows.map((other) =>
    create('app.bsky.graph.follow', { subject: accounts[other].did, createdAt: clock(100) }),
  )
  for (const other of person.likes) {
    const [subject] = accounts[other].posts
    if (subject) writes.push(create('app.bsky.feed.like', { subject, createdAt: clock(2) }))
  }
  for (const other of person.reposts) {
    const [subject] = accounts[other].posts
    if (subject) writes.push(create('app.bsky.feed.repost', { subject, createdAt: clock(2) }))
  }
  const [parent] = person.repliesTo === undefined ? [] : accounts[person.repliesTo].posts
  if (parent) {
    const reply = { root: parent, parent }
    const text = 'A reply, which is not one of the posts that are read.'
    writes.push(create('app.bsky.feed.post', { text, reply, createdAt: clock(1) }))
  }
  await apply(account, writes)
}

/** Let the hub make a list, a starter pack and a feed; return where they are. */
async function makeRecords(network, accounts) {
  const hub = accounts[HUB]
  const createdAt = new Date().toISOString()
  const list = await makeList(hub, 'curatelist', accounts.slice(1, 31), createdAt)
  const behind = await makeList(hub, 'referencelist', accounts.slice(20, 50), createdAt)
  const pack = { name: 'Climate people', list: behind, createdAt }
  const feed = `at://${hub.did}/app.bsky.feed.generator/science`
  const posts = accounts.flatMap(({ posts }) => posts.slice(0, 1).map(({ uri }) => uri))
  const did = await startFeed(require, network.plc.url, feed, posts.slice(0, 45))
  const named = { did, displayName: 'Science', createdAt }
  const written = await apply(hub, [
    create('app.bsky.graph.starterpack', pack),
    create('app.bsky.feed.generator', named, 'science'),
  ])
  const subject = { uri: written[1].uri, cid: written[1].cid }
  const likes = accounts.slice(1, 13).map((account) =>
    apply(account, [create('app.bsky.feed.like', { subject, createdAt: clockless() })]),
  )
  await Promise.all(likes)
  return { list, starter_pack: written[0].uri, feed, post: hub.posts[0].uri }
}

async function makeList(owner, purpose, members, createdAt) {
  const record = { name: 'People', purpose: `app.bsky.graph.defs#${purpose}`, createdAt }
  const [{ uri }] = await apply(owner, [create('app.bsky.graph.list', record)])
  const items = members.map(({ did }) =>
    create('app.bsky.graph.listitem', { list: uri, subject: did, createdAt: clockless() }),
  )
  await apply(owner, items)
  return uri
}

/** Let the moderators hide an account, as their labels arrive at the AppView. */
async function hide(network, did) {
  const label = { src: network.ozone.ctx.cfg.service.did, uri: did, cid: '', val: '!hide' }
  const row = { ...label, neg: false, cts: new Date().toISOString() }
  await network.bsky.db.db.insertInto('label').values(row).execute()
}

function create(collection, value, rkey) {
  const $type = 'com.atproto.repo.applyWrites#create'
  return { $type, collection, rkey, value: { $type: collection, ...value } }
}

async function apply({ agent, did }, writes) {
  const { data } = await agent.com.atproto.repo.applyWrites({ repo: did, writes })
  return data.results
}

async function upload(agent, bytes) {
  const { data } = await agent.uploadBlob(bytes, { encoding: 'image/png' })
  return data.blob
}

function selfLabel(val) {
  return { $type: 'com.atproto.label.defs#selfLabels', values: [{ val }] }
}

/** The AppView indexes a little late: wait until it shows every profile and follower. */
async function indexed(appview, accounts, made) {
  const { AtpAgent } = require('@atproto/api')
  const agent = new AtpAgent({ service: appview })
  const deadline = Date.now() + INDEXED_WITHIN_MS
  const expected = accounts.length - 1
  for (;;) {
    const { data } = await agent.getProfile({ actor: accounts[HUB].did })
    const last = await agent.getProfile({ actor: accounts.at(-1).did }).catch(() => undefined)
    const everybody = data.followersCount >= expected && last?.data.postsCount > 0
    if (everybody && (await shown(agent, made))) return
    if (Date.now() > deadline) throw new Error('the AppView did not index everything in time')
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** Whether the list, the starter pack, the feed and its likes are there. */
async function shown(agent, made) {
  const { bsky } = agent.app
  try {
    const list = await bsky.graph.getList({ list: made.list })
    const pack = await bsky.graph.getStarterPack({ starterPack: made.starter_pack })
    const behind = await bsky.graph.getList({ list: pack.data.starterPack.list.uri })
    const feed = await bsky.feed.getFeed({ feed: made.feed })
    const likes = await bsky.feed.getLikes({ uri: made.feed })
    const counts = [list.data.items, behind.data.items, feed.data.feed].map((each) => each.length)
    return Math.min(...counts) >= 29 && likes.data.likes.length >= 12
  } catch {
    return false
  }
}

let ticks = 0

/** A moment just now, no two in the same millisecond. */
function clockless() {
  return new Date(Date.now() - 60_000 + ticks++).toISOString()
}

/** A moment so many hours ago, no two in the same millisecond. */
function distinctMoments(now) {
  let count = 0
  return (hoursAgo) => new Date(now - hoursAgo * HOUR - HOUR + count++).toISOString()
}

async function inParallel(items, work) {
  const results = new Array(items.length)
  let next = 0
  const lane = async () => {
    while (next < items.length) {
      const index = next++
      results[index] = await work(items[index])
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, lane))
  return results
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

function loopback(url) {
  return url.replace('//localhost:', '//127.0.0.1:')
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
