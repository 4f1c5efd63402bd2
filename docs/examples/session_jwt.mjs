// What a downstream service does with a session JWT. Needs jose 6.
import { createRemoteJWKSet, jwtVerify } from 'jose'

export class Broker {
  // The broker at `issuer`, as a service sees it which is known there by its `audience`.
  constructor(issuer, audience) {
    this.expected = {
      issuer,
      audience,
      typ: 'at+jwt',
      algorithms: ['ES256', 'EdDSA', 'RS256'],
      clockTolerance: 30,
      requiredClaims: ['exp', 'iat', 'sub'],
    }
    this.keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer), { cacheMaxAge: 300_000 })
  }

  // The claims of a session JWT; rejects everything else.
  async claims(token) {
    const { payload } = await jwtVerify(token, this.keys, this.expected)
    if ('cnf' in payload) throw new Error('bound to a key') // RFC 9449: good with a proof, not looked at here
    return payload
  }
}

// Whether this Client gave the User this right. Absent means no.
export function may(claims, clientOrg, right) {
  const { authorizations = {} } = claims
  return Object.hasOwn(authorizations, clientOrg) && authorizations[clientOrg].includes(right)
}
