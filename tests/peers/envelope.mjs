// A reader of sealed values, written from docs/reference/envelope.md with node:crypto alone.
// Given the test vectors on standard input, it prints what it made of each: hex, or null where it refused.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'

const FORMAT = Buffer.from([1, 1])
const hex = (text) => Buffer.from(text, 'hex')
const utf8 = (text) => Buffer.from(text, 'utf8')
const hkdf = (key, salt, info, length) => Buffer.from(hkdfSync('sha256', key, salt, info, length))

const uint = (value, bytes) => {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64BE(BigInt(value))
  return buffer.subarray(8 - bytes)
}

const lp = (...fields) => Buffer.concat(fields.flatMap((field) => [uint(field.length, 4), field]))

function additionalData (place, dekId) {
  const texts = [place.table, place.column, place.row_id, place.owner, place.registration, place.client_org, dekId]
  return lp(FORMAT, ...texts.map(utf8), uint(place.generation, 8))
}

function open ({ data_key: dataKey, dek_id: dekId, place, envelope }) {
  const bytes = hex(envelope)
  const id = utf8(dekId)
  const opening = Buffer.concat([FORMAT, uint(id.length, 1), id])
  const body = bytes.subarray(opening.length)
  if (!bytes.subarray(0, opening.length).equals(opening) || body.length < 92) return null
  const [salt, commitment, nonce, sealed] = [[0, 32], [32, 64], [64, 76], [76]].map(([a, b]) => body.subarray(a, b))
  const derived = hkdf(hex(dataKey), salt, 'partner-ops-broker envelope v1', 64)
  if (!timingSafeEqual(commitment, derived.subarray(32))) return null
  const cipher = createDecipheriv('aes-256-gcm', derived.subarray(0, 32), nonce)
  cipher.setAAD(additionalData(place, dekId)).setAuthTag(sealed.subarray(-16))
  try {
    return Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()])
  } catch {
    return null
  }
}

// AES-256-GCM-SIV (RFC 8452), which node:crypto does not have: POLYVAL over numbers, AES from the library.

const block = (key, input) => createCipheriv('aes-256-ecb', key, null).setAutoPadding(false).update(input)
const number = (bytes) => BigInt('0x' + Buffer.from(bytes).reverse().toString('hex'))
const POLYNOMIAL = (1n << 128n) | (1n << 127n) | (1n << 126n) | (1n << 121n) | 1n
const X_TO_MINUS_128 = (1n << 127n) | (1n << 124n) | (1n << 121n) | (1n << 114n) | 1n

function times (a, b) {
  let product = 0n
  for (let bit = 127n; bit >= 0n; bit--) {
    product <<= 1n
    if (product >> 128n) product ^= POLYNOMIAL
    if ((b >> bit) & 1n) product ^= a
  }
  return product
}

function polyval (key, data) {
  const h = times(number(key), X_TO_MINUS_128)
  let sum = 0n
  for (let at = 0; at < data.length; at += 16) sum = times(sum ^ number(data.subarray(at, at + 16)), h)
  return Buffer.from(sum.toString(16).padStart(32, '0'), 'hex').reverse()
}

const padded = (data) => Buffer.concat([data, Buffer.alloc((16 - (data.length % 16)) % 16)])

function counted (number, nonce) {
  const input = Buffer.concat([Buffer.alloc(4), nonce])
  input.writeUInt32LE(number)
  return input
}

function openGcmSiv (key, nonce, sealed, aad) {
  const half = (number) => block(key, counted(number, nonce)).subarray(0, 8)
  const authentication = Buffer.concat([0, 1].map(half))
  const encryption = Buffer.concat([2, 3, 4, 5].map(half))
  const [ciphertext, tag] = [sealed.subarray(0, -16), sealed.subarray(-16)]
  const counter = Buffer.from(tag)
  counter[15] |= 0x80
  const plaintext = Buffer.from(ciphertext)
  for (let at = 0; at < plaintext.length; at += 16) {
    block(encryption, counter).forEach((byte, i) => { if (at + i < plaintext.length) plaintext[at + i] ^= byte })
    counter.writeUInt32LE((counter.readUInt32LE() + 1) >>> 0)
  }
  const lengths = Buffer.alloc(16)
  lengths.writeBigUInt64LE(BigInt(aad.length * 8))
  lengths.writeBigUInt64LE(BigInt(plaintext.length * 8), 8)
  const expected = polyval(authentication, Buffer.concat([padded(aad), padded(plaintext), lengths]))
  nonce.forEach((byte, i) => { expected[i] ^= byte })
  expected[15] &= 0x7f
  return timingSafeEqual(block(encryption, expected), tag) ? plaintext : null
}

function unwrap ({ kek, kek_id: kekId, dek_id: dekId, owner, wrapped }) {
  const bytes = hex(wrapped)
  if (bytes.length !== 61 || bytes[0] !== 1) return null
  const aad = lp(...['partner-ops-broker data key v1', kekId, dekId, owner].map(utf8))
  return openGcmSiv(hex(kek), bytes.subarray(1, 13), bytes.subarray(13), aad)
}

function check ({ data_key: dataKey, wrapped }) {
  const [bytes, key] = [hex(wrapped), hex(dataKey)]
  if (bytes[0] !== 2 || bytes.length < 34 || key.length !== 32) return null
  const expected = hkdf(key, '', 'partner-ops-broker data key check v1', 32)
  return timingSafeEqual(bytes.subarray(1, 33), expected) ? bytes.subarray(33) : null
}

function keyedHash ({ lookup_key: lookupKey, kind, value }) {
  const key = hkdf(hex(lookupKey), '', `partner-ops-broker lookup v1 ${kind}`, 32)
  return createHmac('sha256', key).update(value).digest()
}

const readers = {
  envelopes: open,
  refused_envelopes: open,
  wrapped_keys: unwrap,
  refused_wrapped_keys: unwrap,
  checked_keys: check,
  refused_checked_keys: check,
  keyed_hashes: keyedHash
}
const vectors = JSON.parse(readFileSync(0, 'utf8'))
const made = (read, vector) => read(vector)?.toString('hex') ?? null
console.log(JSON.stringify(Object.fromEntries(
  Object.entries(readers).map(([member, read]) => [member, vectors[member].map((vector) => made(read, vector))])
)))
