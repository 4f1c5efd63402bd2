// npm oauth4webapi walks through all that the broker has for Applications, once: it checks every answer by its own rules.
//
// Takes one JSON argument: { issuer, audience, own, secret }, where `own` is the address of its Applications. Prints a line of
// JSON whenever a person has to go somewhere, and reads where they ended; the last line is `{ "done": … }`: what it saw.
import { createInterface } from 'node:readline/promises'

import * as oauth from 'oauth4webapi'

const { issuer, audience, own, secret } = JSON.parse(process.argv[2])
const insecure = { [oauth.allowInsecureRequests]: true }
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

const as = await oauth.processDiscoveryResponse(
  new URL(issuer),
  await oauth.discoveryRequest(new URL(issuer), insecure),
)
const server = { client_id: 'server' }
const byBasic = oauth.ClientSecretBasic(secret)
const page = { client_id: 'page' }
const tv = { client_id: 'tv' }
const byName = oauth.None()

const done = { server: await walkOfAServer(), page: await walkOfAPage(), tv: await walkOfADevice() }
console.log(JSON.stringify({ done }))
process.exit()

async function walkOfAServer() {
  const signedIn = await signIn(server, byBasic)
  const { tokens } = signedIn
  const active = await introspected(tokens.access_token)
  const refreshed = await refreshing(server, byBasic, tokens.refresh_token)
  const revocation = await oauth.revocationRequest(as, server, byBasic, tokens.refresh_token, insecure)
  await oauth.processRevocationResponse(revocation)
  const inactive = await introspected(refreshed.access_token)
  return {
    ...signedIn.seen,
    active,
    refreshed: await accepted(refreshed.access_token),
    keptRefreshToken: refreshed.refresh_token === tokens.refresh_token,
    inactive,
    refused: await refusal(() => refreshing(server, byBasic, tokens.refresh_token)),
    signedOut: await signOut(tokens),
  }
}

async function walkOfAPage() {
  const proof = { DPoP: oauth.DPoP(page, await oauth.generateKeyPair('Ed25519')) }
  const { tokens, seen } = await signIn(page, byName, proof)
  const refreshed = await refreshing(page, byName, tokens.refresh_token, proof)
  const other = { DPoP: oauth.DPoP(page, await oauth.generateKeyPair('ES256')) }
  return {
    ...seen,
    key: await proof.DPoP.calculateThumbprint(),
    refreshed: await accepted(refreshed.access_token, proof),
    rotated: refreshed.refresh_token !== tokens.refresh_token,
    ofAnotherKey: await refusal(() => refreshing(page, byName, refreshed.refresh_token, other)),
    withoutKey: await refusal(() => userinfo(page, refreshed)),
  }
}

async function walkOfADevice() {
  const asked = await oauth.deviceAuthorizationRequest(as, tv, byName, { scope: 'openid email' }, insecure)
  const begun = await oauth.processDeviceAuthorizationResponse(as, tv, asked)
  const poll = async () => {
    const response = await oauth.deviceCodeGrantRequest(as, tv, byName, begun.device_code, insecure)
    return oauth.processDeviceCodeResponse(as, tv, response)
  }
  const early = await refusal(poll)
  await person({ allow: begun.user_code, at: begun.verification_uri_complete })
  const tokens = await poll()
  return { early, session: await accepted(tokens.access_token), again: await refusal(poll) }
}

// Pushes, has the person go, redeems; verifies state, issuer, nonce and the ID token's signature; asks userinfo.
async function signIn(client, authentication, proof) {
  const verifier = oauth.generateRandomCodeVerifier()
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
  const redirectUri = `${own}/${client.client_id}/callback`
  const parameters = {
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid email offline_access',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  }
  const options = { ...insecure, ...proof }
  const response = await oauth.pushedAuthorizationRequest(as, client, authentication, parameters, options)
  const pushed = await oauth.processPushedAuthorizationResponse(as, client, response)
  const to = new URL(as.authorization_endpoint)
  to.search = new URLSearchParams({ client_id: client.client_id, request_uri: pushed.request_uri })
  const came = new URL(await person({ signIn: to.href }))

  const code = oauth.validateAuthResponse(as, client, came, state)
  const redeemed = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    authentication,
    code,
    redirectUri,
    verifier,
    options,
  )
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, redeemed, {
    expectedNonce: nonce,
    requireIdToken: true,
  })
  await oauth.validateApplicationLevelSignature(as, redeemed, insecure)
  const seen = {
    type: tokens.token_type,
    identity: oauth.getValidatedIdTokenClaims(tokens),
    session: await accepted(tokens.access_token, proof),
    userinfo: await userinfo(client, tokens, proof),
  }
  return { tokens, seen }
}

async function userinfo(client, tokens, proof) {
  const response = await oauth.userInfoRequest(as, client, tokens.access_token, { ...insecure, ...proof })
  const { sub } = oauth.getValidatedIdTokenClaims(tokens)
  return oauth.processUserInfoResponse(as, client, sub, response)
}

async function refreshing(client, authentication, token, proof) {
  const options = { ...insecure, ...proof }
  const response = await oauth.refreshTokenGrantRequest(as, client, authentication, token, options)
  return oauth.processRefreshTokenResponse(as, client, response)
}

async function introspected(token) {
  const response = await oauth.introspectionRequest(as, server, byBasic, token, insecure)
  return oauth.processIntrospectionResponse(as, server, response)
}

// As a downstream service takes a session JWT: RFC 9068, and RFC 9449 where a key is proven.
async function accepted(token, proof) {
  const url = new URL(`${own}/service`)
  const headers = new Headers({ authorization: `${proof ? 'DPoP' : 'Bearer'} ${token}` })
  await proof?.DPoP.addProof(url, headers, 'GET', token)
  return oauth.validateJwtAccessToken(as, new Request(url, { headers }), audience, insecure)
}

async function signOut(tokens) {
  const to = new URL(as.end_session_endpoint)
  const back = `${own}/server/bye`
  to.search = new URLSearchParams({ id_token_hint: tokens.id_token, post_logout_redirect_uri: back, state: 'gone' })
  return (await person({ go: to.href })) === `${back}?state=gone`
}

async function refusal(attempt) {
  try {
    await attempt()
    return null
  } catch (error) {
    return { code: error.code, error: error.error, status: error.status }
  }
}

async function person(where) {
  console.log(JSON.stringify(where))
  return (await answers.next()).value
}
