// A downstream service with npm's jose. Given a key set, what to expect, and tokens on standard input, it prints which are good.
import { createLocalJWKSet, errors, jwtVerify } from 'jose'
import { readFileSync } from 'node:fs'

const { jwks, issuer, audience, algorithm, tokens } = JSON.parse(readFileSync(0, 'utf8'))
const keys = createLocalJWKSet(jwks)
const expected = { issuer, audience, algorithms: [algorithm], typ: 'at+jwt', requiredClaims: ['exp', 'iss', 'aud'] }

const good = async (token) => {
  try {
    await jwtVerify(token, keys, expected)
    return true
  } catch (error) {
    if (error instanceof errors.JOSEError) return false
    throw error
  }
}

console.log(JSON.stringify(await Promise.all(tokens.map(good))))
