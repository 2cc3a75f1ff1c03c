import { type Adapter, errors } from 'oidc-provider'

type Payload = Record<string, unknown>

interface Entry {
  readonly payload: Payload
  readonly expiresAtMs: number
}

const sweepEvery = 1000

/** What all models of one authorization server share. */
export class ServerMemory {
  readonly #entries = new Map<string, Entry>()
  #writes = 0

  get(key: string): Payload | undefined {
    const entry = this.#entries.get(key)
    return entry !== undefined && entry.expiresAtMs > Date.now() ? entry.payload : undefined
  }

  set(key: string, payload: Payload, expiresIn: number | undefined): void {
    this.#entries.set(key, { payload, expiresAtMs: expiresIn === undefined ? Infinity : Date.now() + expiresIn * 1000 })
    this.#writes++
    if (this.#writes % sweepEvery === 0) this.#deleteWhere(({ expiresAtMs }) => expiresAtMs <= Date.now())
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  deleteFamily(grantId: string): void {
    this.#deleteWhere(({ payload }) => payload['grantId'] === grantId)
  }

  findBy(member: string, value: string): Payload | undefined {
    for (const { payload } of this.#entries.values()) if (payload[member] === value) return payload
    return undefined
  }

  #deleteWhere(matches: (entry: Entry) => boolean): void {
    for (const [key, entry] of this.#entries) if (matches(entry)) this.#entries.delete(key)
  }
}

/** Makes the adapter that oidc-provider asks for, one instance for each of its models. */
export function adapterOn(memory: ServerMemory): (model: string) => Adapter {
  return (model) => ({
    upsert: async (id, payload, expiresIn) => memory.set(`${model}:${id}`, payload, expiresIn),
    find: async (id) => memory.get(`${model}:${id}`),
    findByUid: async (uid) => memory.findBy('uid', uid),
    findByUserCode: async (userCode) => memory.findBy('userCode', userCode),
    destroy: async (id) => memory.delete(`${model}:${id}`),
    revokeByGrantId: async (grantId) => memory.deleteFamily(grantId),
    consume: async (id) => consume(memory, `${model}:${id}`),
  })
}

/**
 * The server looks whether a token was used, and marks it, in two steps. Two requests at the same
 * time could both get a successor; here the second one is caught at the mark.
 */
function consume(memory: ServerMemory, key: string): void {
  const payload = memory.get(key)
  if (payload === undefined) throw new errors.InvalidGrant('refresh token not found')
  if (payload['consumed'] !== undefined) {
    const grantId = String(payload['grantId'])
    memory.deleteFamily(grantId)
    // The first of the two is still being answered: without its grant, nothing that it gets is of use.
    memory.delete(`Grant:${grantId}`)
    throw new errors.InvalidGrant(concurrentReuse)
  }
  payload['consumed'] = Math.floor(Date.now() / 1000)
}

/** `error_detail` of a reuse that was caught at the mark. */
export const concurrentReuse = 'refresh token used twice at the same time'
