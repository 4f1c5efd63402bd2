// The peer: an identity broker made of oidc-provider, which speaks to Applications, and openid-client, which speaks to
// the upstream Provider. State lives in Redis. Arguments: port, the upstream's issuer, Redis' URL, a redirect URI.
import { createHmac, generateKeyPairSync, randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'

import { Redis } from 'ioredis'
import Provider from 'oidc-provider'
import * as upstream from 'openid-client'

import { adapterOn } from './redis_adapter.mjs'

const [port, upstreamIssuer, redisUrl, redirectUri] = process.argv.slice(2)
const issuer = `http://127.0.0.1:${port}`
const callbackUrl = `${issuer}/interaction/callback`
const TRIP = 'trip'
const TRIP_SECONDS = 600
const AUDIENCE = 'http://127.0.0.1:9998'

const redis = new Redis(redisUrl)
const registration = await upstream.discovery(new URL(upstreamIssuer), 'bench', 'bench-upstream-secret', undefined, {
  execute: [upstream.allowInsecureRequests],
})

// ── who signs in: found by issuer and subject, made at the first sign-in ─────────────────────────────────

const identityKey = ({ iss, sub }) => `identity:${iss}|${sub}`
const accountKey = (id) => `account:${id}`

async function signedUp(claims) {
  const id = (await redis.get(identityKey(claims))) ?? (await newAccount(claims))
  await redis.hset(accountKey(id), { email: claims.email, name: claims.name })
  return id
}

async function newAccount(claims) {
  const id = randomBytes(16).toString('base64url')
  const first = await redis.set(identityKey(claims), id, 'NX')
  return first ? id : redis.get(identityKey(claims)) // somebody was quicker
}

async function findAccount(_, id) {
  const kept = await redis.hgetall(accountKey(id))
  return kept.email === undefined
    ? undefined
    : { accountId: id, claims: () => ({ sub: id, email: kept.email, name: kept.name }) }
}

// ── the Provider ─────────────────────────────────────────────────────────────────────────────────────────

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const cookieKey = randomBytes(32)
const service = {
  scope: '',
  audience: AUDIENCE,
  accessTokenFormat: 'jwt',
  accessTokenTTL: 300,
  jwt: { sign: { alg: 'ES256' } },
}
const provider = new Provider(issuer, {
  adapter: adapterOn(redis),
  clients: [
    {
      client_id: 'bench',
      client_secret: 'bench-application-secret',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'client_credentials'],
      response_types: ['code'],
      id_token_signed_response_alg: 'ES256',
    },
    {
      client_id: 'bench-public',
      token_endpoint_auth_method: 'none',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: 'bench' }] },
  cookies: { keys: [cookieKey.toString('base64url')], short: { signed: true }, long: { signed: true } },
  pkce: { required: () => true },
  claims: { openid: ['sub'], email: ['email'], profile: ['name'] },
  conformIdTokenClaims: false, // the ID token carries the e-mail address, as our own broker's does
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    resourceIndicators: { enabled: true, defaultResource, getResourceServerInfo: () => service },
  },
  findAccount,
  interactions: { url: () => '/interaction' }, // one path, so that its cookie comes back with the callback
  loadExistingGrant, // a first-party Application: nobody is asked for consent
  ttl: { AccessToken: 300, AuthorizationCode: 60, Grant: 86400, IdToken: 300, Interaction: 600, RefreshToken: 86400, Session: 86400 },
})

// An Application that acts for itself gets a JWT for the service, signed as our own broker's is; Users' stay opaque.
function defaultResource(ctx, _, oneOf) {
  return ctx.oidc.params.grant_type === 'client_credentials' ? AUDIENCE : oneOf
}

async function loadExistingGrant(ctx) {
  const { client, provider: op, result, session } = ctx.oidc
  const known = result?.consent?.grantId ?? session.grantIdFor(client.clientId)
  if (known) return op.Grant.find(known)
  const grant = new op.Grant({ clientId: client.clientId, accountId: session.accountId })
  grant.addOIDCScope('openid email profile')
  await grant.save()
  return grant
}

// ── the trip upstream: state, nonce and verifier wait in a signed cookie ─────────────────────────────────

const mac = (text) => createHmac('sha256', cookieKey).update(text).digest()

function sealed(trip) {
  const text = Buffer.from(JSON.stringify(trip)).toString('base64url')
  return `${text}.${mac(text).toString('base64url')}`
}

function opened(cookies = '') {
  const value = cookies.split('; ').find((cookie) => cookie.startsWith(`${TRIP}=`))
  const [text = '', proof = ''] = value?.slice(TRIP.length + 1).split('.') ?? []
  const [given, wanted] = [Buffer.from(proof, 'base64url'), mac(text)]
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw new Error('no trip')
  return JSON.parse(Buffer.from(text, 'base64url'))
}

const tripCookie = (value, seconds) =>
  `${TRIP}=${value}; Max-Age=${seconds}; Path=/interaction/callback; HttpOnly; SameSite=Lax`

async function depart(request, response) {
  const { uid } = await provider.interactionDetails(request, response)
  const verifier = upstream.randomPKCECodeVerifier()
  const trip = { uid, verifier, nonce: upstream.randomNonce(), state: upstream.randomState() }
  const url = upstream.buildAuthorizationUrl(registration, {
    redirect_uri: callbackUrl,
    scope: 'openid email profile',
    code_challenge: await upstream.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    nonce: trip.nonce,
    state: trip.state,
  })
  response.writeHead(303, { Location: url.href, 'Set-Cookie': tripCookie(sealed(trip), TRIP_SECONDS) }).end()
}

async function arrive(request, response) {
  const trip = opened(request.headers.cookie)
  const interaction = await provider.interactionDetails(request, response)
  if (interaction.uid !== trip.uid) throw new Error('another interaction')
  const answer = await upstream.authorizationCodeGrant(registration, new URL(request.url, issuer), {
    pkceCodeVerifier: trip.verifier,
    expectedNonce: trip.nonce,
    expectedState: trip.state,
    idTokenExpected: true,
  })
  const accountId = await signedUp(answer.claims())
  response.setHeader('Set-Cookie', tripCookie('', 0))
  await provider.interactionFinished(request, response, { login: { accountId } }, { mergeWithLastSubmission: false })
}

// ── routes ───────────────────────────────────────────────────────────────────────────────────────────────

const routes = { '/interaction': depart, '/interaction/callback': arrive }
const standard = provider.callback()

const server = createServer((request, response) => {
  const route = routes[request.url.split('?', 1)[0]]
  if (route === undefined) return standard(request, response)
  return route(request, response).catch((error) => {
    console.error(error)
    response.writeHead(400).end()
  })
})
provider.on('server_error', (_, error) => console.error(error))
server.listen(Number(port), '127.0.0.1', () => console.log(JSON.stringify({ issuer })))
