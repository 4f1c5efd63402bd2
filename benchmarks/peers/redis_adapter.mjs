// oidc-provider's records in Redis: one key a record, one set a grant so that all of it can be revoked together.

const USED_ONCE = new Set([
  'AuthorizationCode',
  'BackchannelAuthenticationRequest',
  'DeviceCode',
  'PreAuthorizedCode',
  'PushedAuthorizationRequest',
  'RefreshToken',
])
const GRANTED = new Set(['AccessToken', 'AuthorizationCode', 'BackchannelAuthenticationRequest', 'DeviceCode', 'RefreshToken'])

const grantKey = (id) => `grant:${id}`
const uidKey = (uid) => `uid:${uid}`
const userCodeKey = (code) => `user_code:${code}`

/** The class that oidc-provider makes one adapter a model of. */
export function adapterOn(redis) {
  return class RedisAdapter {
    constructor(model) {
      this.model = model
    }

    key(id) {
      return `${this.model}:${id}`
    }

    async upsert(id, payload, seconds) {
      const key = this.key(id)
      const batch = redis.pipeline()
      if (USED_ONCE.has(this.model)) batch.hset(key, { payload: JSON.stringify(payload) }).expire(key, seconds)
      else batch.set(key, JSON.stringify(payload), 'EX', seconds)
      if (GRANTED.has(this.model) && payload.grantId) {
        batch.sadd(grantKey(payload.grantId), key).expire(grantKey(payload.grantId), seconds)
      }
      if (payload.uid) batch.set(uidKey(payload.uid), id, 'EX', seconds)
      if (payload.userCode) batch.set(userCodeKey(payload.userCode), id, 'EX', seconds)
      await batch.exec()
    }

    async find(id) {
      if (!USED_ONCE.has(this.model)) return parsed(await redis.get(this.key(id)))
      const { payload, consumed } = await redis.hgetall(this.key(id))
      const record = parsed(payload)
      return record && consumed ? { ...record, consumed: Number(consumed) } : record
    }

    async findByUid(uid) {
      const id = await redis.get(uidKey(uid))
      return id ? this.find(id) : undefined
    }

    async findByUserCode(code) {
      const id = await redis.get(userCodeKey(code))
      return id ? this.find(id) : undefined
    }

    async consume(id) {
      await redis.hset(this.key(id), 'consumed', Math.floor(Date.now() / 1000))
    }

    async destroy(id) {
      await redis.del(this.key(id))
    }

    async revokeByGrantId(grantId) {
      const keys = await redis.smembers(grantKey(grantId))
      await redis.del(grantKey(grantId), ...keys)
    }
  }
}

const parsed = (text) => (text ? JSON.parse(text) : undefined)
