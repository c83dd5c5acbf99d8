// Starts a real AT Protocol network (PLC directory, PDS, AppView), fills it with people, prints one
// line of JSON when everything is indexed, and runs until SIGTERM or until standard input ends.
//
// Run in the folder that holds node_modules, with loopback.cjs preloaded, and with
//   OMNI_NETWORK_POSTGRES  a connection string (a Unix socket will do)
//   OMNI_NETWORK_REDIS     host:port
//   OMNI_NETWORK_SCHEMA    prefix of the Postgres schemas: letters and underscore only
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { HUB, people, picture } from './people.mjs'

const require = createRequire(join(process.cwd(), 'package.json'))
const HOUR = 3_600_000
const PARALLEL = 8
const INDEXED_WITHIN_MS = 60_000

async function main() {
  const network = await startNetwork()
  stopOnRequest(network)
  const urls = { pds: loopback(network.pds.url), appview: loopback(network.bsky.url) }
  const accounts = await fill(urls.pds, people())
  await network.processAll(INDEXED_WITHIN_MS)
  await indexed(urls.appview, accounts)
  const known = accounts.map(({ did, person }) => ({
    did,
    handle: person.handle,
    password: person.password,
    theme: person.theme,
    role: person.role,
    posts: person.role === 'bare' ? 0 : person.posts.length,
    has_avatar: person.role !== 'bare' && person.hasAvatar,
  }))
  console.log(JSON.stringify({ ...urls, hub: known[HUB].did, accounts: known }))
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
    writes.push(create('app.bsky.feed.post', { text, createdAt: clock(ageHours) }))
  }
  const results = await apply(account, writes)
  const isPost = ({ uri }) => uri.includes('/app.bsky.feed.post/')
  account.posts = results.filter(isPost).map(({ uri, cid }) => ({ uri, cid }))
}

/** Write the follows, likes and replies. */
async function connect(account, accounts, clock) {
  const { person } = account
  const writes = person.follows.map((other) =>
    create('app.bsky.graph.follow', { subject: accounts[other].did, createdAt: clock(100) }),
  )
  for (const other of person.likes) {
    const [subject] = accounts[other].posts
    if (subject) writes.push(create('app.bsky.feed.like', { subject, createdAt: clock(2) }))
  }
  const [parent] = person.repliesTo === undefined ? [] : accounts[person.repliesTo].posts
  if (parent) {
    const reply = { root: parent, parent }
    const text = 'A reply, which is not one of the posts that are read.'
    writes.push(create('app.bsky.feed.post', { text, reply, createdAt: clock(1) }))
  }
  await apply(account, writes)
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
async function indexed(appview, accounts) {
  const { AtpAgent } = require('@atproto/api')
  const agent = new AtpAgent({ service: appview })
  const deadline = Date.now() + INDEXED_WITHIN_MS
  const expected = accounts.length - 1
  for (;;) {
    const { data } = await agent.getProfile({ actor: accounts[HUB].did })
    const last = await agent.getProfile({ actor: accounts.at(-1).did }).catch(() => undefined)
    if (data.followersCount >= expected && last?.data.postsCount > 0) return
    if (Date.now() > deadline) throw new Error('the AppView did not index everything in time')
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
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
