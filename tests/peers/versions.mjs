// Loads every peer and says which Node runs them: proof that the peers are installed and can be started.
import { createRequire } from 'node:module'

import 'jose'
import 'oauth4webapi'
import 'oidc-client-ts'
import 'oidc-provider'
import 'openid-client'

const require = createRequire(import.meta.url)
const wanted = Object.keys(require('./package.json').dependencies)
const installed = require('./node_modules/.package-lock.json').packages
const versions = Object.fromEntries(wanted.map((name) => [name, installed[`node_modules/${name}`].version]))

console.log(JSON.stringify({ node: process.versions.node, ...versions }))
