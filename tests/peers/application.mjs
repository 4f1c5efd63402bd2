// Applications by other people's hands: npm openid-client signs in through the broker, npm jose verifies what it got.
//
// Takes one JSON argument: { issuer, applications: { path: { client_id, client_secret?, method, audience } } } and
// announces its URL. `/<path>/sign-in` begins; what came of it is JSON on the page that the browser ends on.
import { createServer } from 'node:http'

import { createRemoteJWKSet, importJWK, jwtVerify } from 'jose'
import * as oidc from 'openid-client'

const { issuer, applications } = JSON.parse(process.argv[2])
const METHODS = {
  client_secret_basic: oidc.ClientSecretBasic,
  client_secret_post: oidc.ClientSecretPost,
  none: oidc.None,
  private_key_jwt: async (jwk) => oidc.PrivateKeyJwt(await importJWK(jwk, 'ES256')),
}
const attempts = new Map() // by state; one browser at a time
const signedIn = new Map() // by path

const server = createServer(async (request, response) => {
  const url = new URL(request.url, own)
  const [, path, step] = url.pathname.split('/')
  try {
    const answer = await STEPS[step](path, applications[path], url)
    if (typeof answer === 'string') response.writeHead(303, { location: answer }).end()
    else response.setHeader('content-type', 'text/html').end(page(path, answer))
  } catch (error) {
    const { code, error: said, status } = error
    response.setHeader('content-type', 'text/html').end(page(path, { failed: { code, error: said, status } }))
  }
})
let own
server.listen(0, '127.0.0.1', () => {
  own = `http://127.0.0.1:${server.address().port}`
  process.stdout.write(`${JSON.stringify({ url: own })}\n`)
})

const STEPS = {
  'sign-in': async (path, application) => {
    const config = await discovered(application)
    const attempt = {
      pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
      expectedState: oidc.randomState(),
      expectedNonce: oidc.randomNonce(),
      idTokenExpected: true,
    }
    attempts.set(attempt.expectedState, attempt)
    return oidc.buildAuthorizationUrl(config, {
      redirect_uri: `${own}/${path}/callback`,
      scope: 'openid email profile',
      code_challenge: await oidc.calculatePKCECodeChallenge(attempt.pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: attempt.expectedState,
      nonce: attempt.expectedNonce,
    }).href
  },

  callback: async (path, application, url) => {
    const config = await discovered(application)
    const attempt = attempts.get(url.searchParams.get('state'))
    attempts.delete(url.searchParams.get('state'))
    const tokens = await oidc.authorizationCodeGrant(config, url, attempt)
    const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri))
    const session = await jwtVerify(tokens.access_token, keys, { issuer, audience: application.audience, typ: 'at+jwt' })
    const identity = await jwtVerify(tokens.id_token, keys, { issuer, audience: application.client_id, typ: 'JWT' })
    const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
    signedIn.set(path, tokens)
    return { session: session.payload, identity: identity.payload, userinfo, algorithm: session.protectedHeader.alg }
  },

  userinfo: async (path, application) => {
    const { access_token: token } = signedIn.get(path)
    return { userinfo: await oidc.fetchUserInfo(await discovered(application), token, oidc.skipSubjectCheck) }
  },

  // Asks about the session JWT, revokes it, and asks again. A public application may revoke, but not ask.
  revoke: async (path, application) => {
    const config = await discovered(application)
    const { access_token: token } = signedIn.get(path)
    const asked = async () =>
      application.method === 'none' ? 'not asked' : (await oidc.tokenIntrospection(config, token)).active
    const before = await asked()
    await oidc.tokenRevocation(config, token)
    return { before, after: await asked() }
  },

  'sign-out': async (path, application) =>
    oidc.buildEndSessionUrl(await discovered(application), {
      id_token_hint: signedIn.get(path).id_token,
      post_logout_redirect_uri: `${own}/${path}/bye`,
      state: 'the-state',
    }).href,

  bye: async (path, _, url) => ({ bye: url.searchParams.get('state') }),
}

async function discovered({ client_id: id, client_secret: secret, method }) {
  return oidc.discovery(new URL(issuer), id, undefined, await METHODS[method](secret), {
    execute: [oidc.allowInsecureRequests],
  })
}

function page(path, answer) {
  const text = JSON.stringify(answer).replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<!doctype html><html lang="en"><title>Peer</title><pre>${text}</pre><a href="/${path}/sign-out">Sign out</a>`
}
