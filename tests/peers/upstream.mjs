// An OpenID Provider by other people's hands, for the broker to sign in at: npm oidc-provider.
//
// Takes one JSON argument: { client_id, client_secret, redirect_uris, accounts: { login: claims } }. Announces its issuer.
// Its sign-in page asks for a login and believes it; `/peer/tokens` says how many tokens are alive.
import { createServer } from 'node:http'

import Provider from 'oidc-provider'

const { accounts, ...registration } = JSON.parse(process.argv[2])
console.info = console.warn = console.error // standard output is for the announcement

const server = createServer()
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  server.on('request', serve(issuer))
  process.stdout.write(`${JSON.stringify({ issuer })}\n`)
})

function serve(issuer) {
  const issued = { AccessToken: [], RefreshToken: [] }
  const provider = new Provider(issuer, {
    clients: [{ ...registration, grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }],
    claims: { email: ['email', 'email_verified'], profile: ['name', 'given_name', 'preferred_username'] },
    cookies: { keys: ['a key for cookies that live for seconds'] },
    features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
    findAccount: (_, login) => login in accounts && { accountId: login, claims: () => ({ sub: login, ...accounts[login] }) },
    interactions: { url: (_, interaction) => `/sign-in/${interaction.uid}` },
    issueRefreshToken: () => true,
    pkce: { required: () => true },
  })
  provider.on('access_token.saved', (token) => issued.AccessToken.push(token.jti))
  provider.on('refresh_token.saved', (token) => issued.RefreshToken.push(token.jti))
  provider.on('server_error', (_, error) => console.error(error))
  const standard = provider.callback()

  return async (request, response) => {
    if (request.url === '/peer/tokens') {
      const alive = async (kind) => (await Promise.all(issued[kind].map((jti) => provider[kind].find(jti)))).filter(Boolean)
      const tokens = { access: (await alive('AccessToken')).length, refresh: (await alive('RefreshToken')).length }
      response.setHeader('content-type', 'application/json').end(JSON.stringify(tokens))
    } else if (!request.url.startsWith('/sign-in/')) {
      standard(request, response)
    } else if (request.method === 'POST') {
      await decide(provider, request, response)
    } else {
      response.setHeader('content-type', 'text/html').end(PAGE)
    }
  }
}

async function decide(provider, request, response) {
  const chunks = await Array.fromAsync(request)
  const form = new URLSearchParams(Buffer.concat(chunks).toString())
  const { params } = await provider.interactionDetails(request, response)
  if (form.get('decision') !== 'allow') {
    return provider.interactionFinished(request, response, { error: 'access_denied' })
  }
  const accountId = form.get('login')
  const grant = new provider.Grant({ accountId, clientId: params.client_id })
  grant.addOIDCScope(params.scope)
  return provider.interactionFinished(request, response, {
    login: { accountId },
    consent: { grantId: await grant.save() },
  })
}

const PAGE = `<!doctype html><html lang="en"><title>Corp</title><h1>Corp</h1><form method="post">
<label>Login <input name="login"></label>
<button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button>
</form>`
