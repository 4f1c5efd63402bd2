// Applications by other people's hands: npm openid-client signs in through the broker, npm jose verifies what it got.
//
// Announces its URL, and is told by a POST to `/configure` who it is, each time anew: { issuer, applications: { path:
// { client_id, client_secret?, method, audience, scope?, more?, push?, bound? } } }. `/<path>/sign-in` begins; what came
// of it is JSON, on a page for a browser. `?key=another` and `?key=none` have it prove another key than its own, or none.
import { createServer } from 'node:http'

import { createRemoteJWKSet, importJWK, jwtVerify } from 'jose'
import * as oidc from 'openid-client'

const METHODS = {
  client_secret_basic: oidc.ClientSecretBasic,
  client_secret_post: oidc.ClientSecretPost,
  none: oidc.None,
  private_key_jwt: async (jwk) => oidc.PrivateKeyJwt(await importJWK(jwk, 'ES256')),
}
let issuer, keys, applications // as they were configured; one browser at a time

const server = createServer(async (request, response) => {
  const url = new URL(request.url, own)
  if (url.pathname === '/configure') {
    await configure(JSON.parse(await bodyOf(request)))
    return response.writeHead(204).end()
  }
  const [, path, step] = url.pathname.split('/')
  try {
    const answer = await STEPS[step](applications[path], url, request)
    if (typeof answer === 'string') response.writeHead(303, { location: answer }).end()
    else show(request, response, path, answer)
  } catch (error) {
    const { code, error: said, status } = error
    show(request, response, path, { failed: { code, error: said, status } })
  }
})
let own
server.listen(0, '127.0.0.1', () => {
  own = `http://127.0.0.1:${server.address().port}`
  process.stdout.write(`${JSON.stringify({ url: own })}\n`)
})

async function configure(told) {
  issuer = told.issuer
  keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`))
  applications = told.applications
  for (const [path, application] of Object.entries(applications)) {
    const { client_id: id, client_secret: secret, method } = application
    const options = { execute: [oidc.allowInsecureRequests] }
    application.config = await oidc.discovery(new URL(issuer), id, undefined, await METHODS[method](secret), options)
    application.path = path
    application.key = application.bound && (await oidc.randomDPoPKeyPair())
  }
}

const STEPS = {
  'sign-in': async (application, url) => {
    application.attempt = {
      pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
      expectedState: oidc.randomState(),
      expectedNonce: oidc.randomNonce(),
      idTokenExpected: true,
    }
    const asked = {
      redirect_uri: `${own}/${application.path}/callback`,
      scope: application.scope ?? 'openid email profile',
      code_challenge: await oidc.calculatePKCECodeChallenge(application.attempt.pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: application.attempt.expectedState,
      nonce: application.attempt.expectedNonce,
      ...application.more,
    }
    if (!application.push) return oidc.buildAuthorizationUrl(application.config, asked).href
    return (await oidc.buildAuthorizationUrlWithPAR(application.config, asked, await proofs(application, url))).href
  },

  callback: async (application, url, request) => {
    const { attempt } = application
    application.attempt = undefined
    const came = request.method === 'POST' ? await posted(url, request) : url
    const { config } = application
    return received(
      application,
      await oidc.authorizationCodeGrant(config, came, attempt, undefined, await proofs(application, url)),
    )
  },

  userinfo: async (application, url) => {
    const options = await proofs(application, url)
    const { access_token: token } = application.tokens
    return { userinfo: await oidc.fetchUserInfo(application.config, token, oidc.skipSubjectCheck, options) }
  },

  refresh: async (application, url) => {
    const { refresh_token: before } = application.tokens
    const options = await proofs(application, url)
    const tokens = await oidc.refreshTokenGrant(application.config, before, undefined, options)
    const seen = await received(application, tokens)
    tokens.refresh_token ??= before
    return { ...seen, rotated: tokens.refresh_token !== before }
  },

  // Asks about the session JWT, revokes it, and asks again. A public application may revoke, but not ask.
  revoke: async (application) => {
    const { config, tokens } = application
    const asked = async () =>
      application.method === 'none' ? 'not asked' : (await oidc.tokenIntrospection(config, tokens.access_token)).active
    const before = await asked()
    await oidc.tokenRevocation(config, tokens.access_token)
    return { before, after: await asked() }
  },

  // Begins as a device, and asks on while it answers. It asks sooner than it was told: it knows no other clock.
  device: async (application, url) => {
    const { config, scope } = application
    const begun = await oidc.initiateDeviceAuthorization(config, { scope })
    const options = await proofs(application, url)
    const asking = { ...begun, interval: begun.interval / 10 }
    application.device = oidc.pollDeviceAuthorizationGrant(config, asking, undefined, options)
    application.device.catch(() => {}) // whoever asks for the tokens is told
    return begun
  },

  'device-tokens': async (application) => received(application, await application.device),

  'for-itself': async (application, url) => {
    const { config, scope, audience } = application
    const tokens = await oidc.clientCredentialsGrant(config, { scope }, await proofs(application, url))
    const session = await jwtVerify(tokens.access_token, keys, { issuer, audience, typ: 'at+jwt' })
    return { session: session.payload, refresh: tokens.refresh_token ?? null, identity: tokens.id_token ?? null }
  },

  'sign-out': async (application) =>
    oidc.buildEndSessionUrl(application.config, {
      id_token_hint: application.tokens.id_token,
      post_logout_redirect_uri: `${own}/${application.path}/bye`,
      state: 'the-state',
    }).href,

  bye: async (_, url) => ({ bye: url.searchParams.get('state') }),
}

async function received(application, tokens) {
  const { client_id: id, audience, config } = application
  const session = await jwtVerify(tokens.access_token, keys, { issuer, audience, typ: 'at+jwt' })
  const identity = await jwtVerify(tokens.id_token, keys, { issuer, audience: id, typ: 'JWT' })
  const options = await proofs(application)
  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, options)
  application.tokens = tokens
  return {
    session: session.payload,
    identity: identity.payload,
    userinfo,
    algorithm: session.protectedHeader.alg,
    type: tokens.token_type,
  }
}

// How to prove the key that an Application's tokens are bound to (RFC 9449), or another one where the address says so.
async function proofs({ config, bound, key }, url) {
  const which = url?.searchParams.get('key') ?? 'own'
  if (!bound || which === 'none') return {}
  return { DPoP: oidc.getDPoPHandle(config, which === 'another' ? await oidc.randomDPoPKeyPair() : key) }
}

async function posted(url, request) {
  const headers = { 'content-type': request.headers['content-type'] }
  return new Request(url, { method: 'POST', headers, body: await bodyOf(request) })
}

async function bodyOf(request) {
  return Buffer.concat(await Array.fromAsync(request)).toString()
}

function show(request, response, path, answer) {
  const text = JSON.stringify(answer)
  if (!request.headers.accept?.includes('text/html')) {
    return response.setHeader('content-type', 'application/json').end(text)
  }
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  response
    .setHeader('content-type', 'text/html')
    .end(`<!doctype html><html lang="en"><title>Peer</title><pre>${escaped}</pre><a href="/${path}/sign-out">Sign out</a>`)
}
