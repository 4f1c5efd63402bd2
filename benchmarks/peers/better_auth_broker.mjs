// A second peer: an identity broker made of Better Auth, with its OAuth provider towards Applications and its generic
// OAuth towards the upstream Provider. State lives in PostgreSQL. Arguments: port, the upstream's issuer, PostgreSQL's
// URL, a redirect URI.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'

import { oauthProvider } from '@better-auth/oauth-provider'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import { genericOAuth, jwt } from 'better-auth/plugins'
import pg from 'pg'

const [port, upstreamIssuer, databaseUrl, redirectUri] = process.argv.slice(2)
const issuer = `http://127.0.0.1:${port}`
const SCOPES = ['openid', 'email', 'profile', 'offline_access']

const auth = betterAuth({
  baseURL: issuer,
  basePath: '/',
  secret: 'bench-better-auth-secret-of-32-bytes-or-more', // what is in the database was made with it
  database: new pg.Pool({ connectionString: databaseUrl }),
  rateLimit: { enabled: false }, // all requests come from one address
  telemetry: { enabled: false },
  plugins: [
    jwt({ disableSettingJwtHeader: true, jwks: { keyPairConfig: { alg: 'ES256' } } }),
    genericOAuth({
      config: [
        {
          providerId: 'upstream',
          discoveryUrl: `${upstreamIssuer}/.well-known/openid-configuration`,
          clientId: 'bench',
          clientSecret: 'bench-upstream-secret',
          scopes: ['openid', 'email', 'profile'],
        },
      ],
    }),
    oauthProvider({
      loginPage: '/login',
      consentPage: '/consent',
      scopes: SCOPES,
      customIdTokenClaims: ({ user }) => ({ email: user.email }), // as our own broker's does
    }),
  ],
})

// ── what there is: tables, and two first-party Applications, of whom nobody is asked for consent ─────────

const secretHash = createHash('sha256').update('bench-application-secret').digest('base64url')
const applications = [
  { clientId: 'bench', clientSecret: secretHash, tokenEndpointAuthMethod: 'client_secret_basic', public: false },
  { clientId: 'bench-public', tokenEndpointAuthMethod: 'none', public: true },
]
await (await getMigrations(auth.options)).runMigrations()
const { adapter } = await auth.$context
for (const { clientId, ...own } of applications) {
  const where = [{ field: 'clientId', value: clientId }]
  if (await adapter.findOne({ model: 'oauthClient', where })) continue
  const data = {
    clientId,
    ...own,
    redirectUris: [redirectUri],
    scopes: SCOPES,
    grantTypes: ['authorization_code', 'refresh_token'],
    responseTypes: ['code'],
    requirePKCE: true,
    skipConsent: true,
    createdAt: new Date(),
    updatedAt: new Date(),
  }
  await adapter.create({ model: 'oauthClient', data })
}

// ── who asks ─────────────────────────────────────────────────────────────────────────────────────────────

// The sign-in page of an ordinary deployment would have a button for each Provider; here the one is pressed at once.
async function login(request, response) {
  const query = new URL(request.url, issuer).search.slice(1)
  const started = await auth.handler(
    new Request(`${issuer}/sign-in/social`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: issuer, cookie: request.headers.cookie ?? '' },
      body: JSON.stringify({ provider: 'upstream', callbackURL: `${issuer}/`, oauth_query: query }),
    }),
  )
  const { url } = await started.json()
  response.writeHead(303, { Location: url, 'Set-Cookie': started.headers.getSetCookie() }).end()
}

const handle = toNodeHandler(auth)
createServer((request, response) => {
  const answer = request.url.startsWith('/login?') ? login(request, response) : handle(request, response)
  answer.catch((error) => {
    console.error(error)
    response.writeHead(500).end()
  })
}).listen(Number(port), '127.0.0.1')
