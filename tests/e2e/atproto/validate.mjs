// Checks payloads against the public lexicons: each file is named after the query that answers so.
// Usage: node validate.mjs FILE…   in the folder that holds node_modules
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'

const require = createRequire(join(process.cwd(), 'package.json'))
const { lexicons, jsonToLex } = require('@atproto/api')

for (const file of process.argv.slice(2)) {
  const method = basename(file, '.json')
  lexicons.assertValidXrpcOutput(method, jsonToLex(JSON.parse(readFileSync(file, 'utf8'))))
  console.log(`${method} is valid`)
}
