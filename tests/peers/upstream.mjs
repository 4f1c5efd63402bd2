// An OpenID Provider by other people's hands, for the broker to sign in at: npm oidc-provider.
//
// Announces its issuer, and is told by a POST to `/peer/configure` whom it knows, each time anew: { client_id,
// client_secret, redirect_uris, accounts: { login: claims } }. Its sign-in page asks for a login and believes it;
// `/peer/tokens/<login>` says how many of their tokens are alive.
import { createServer } from 'node:http'

import Provider from 'oidc-provider'

console.info = console.warn = console.error // standard output is for the announcement

const server = createServer()
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  let serving
  server.on('request', async (request, response) => {
    if (request.url !== '/peer/configure') return serving(request, response)
    serving = serve(issuer, JSON.parse(await bodyOf(request)))
    response.writeHead(204).end()
  })
  process.stdout.write(`${JSON.stringify({ issuer })}\n`)
})

function serve(issuer, { accounts, ...registration }) {
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
    if (request.url.startsWith('/peer/tokens/')) {
      const alive = async (kind) => {
        const found = await Promise.all(issued[kind].map((jti) => provider[kind].find(jti)))
        return found.filter((token) => token?.accountId === request.url.split('/').at(-1)).length
      }
      const tokens = { access: await alive('AccessToken'), refresh: await alive('RefreshToken') }
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
  const form = new URLSearchParams(await bodyOf(request))
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

async function bodyOf(request) {
  return Buffer.concat(await Array.fromAsync(request)).toString()
}

const PAGE = `<!doctype html><html lang="en"><title>Corp</title><h1>Corp</h1><form method="post">
<label>Login <input name="login"></label>
<button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button>
</form>`
