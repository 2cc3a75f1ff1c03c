import { beforeAll, describe, expect, test } from 'vitest'
import { KubernetesStatusWriter } from '../../src/adapters/kubernetes/status-writer.ts'
import { noState } from '../../src/domain/credential-state.ts'
import { finalizerName } from '../../src/domain/names.ts'
import { epochSeconds } from '../../src/domain/time.ts'
import { type ApiHands, CountingClient, freshName } from '../support/api-hands.ts'
import { jsonAt } from '../support/fake-managed-fields.ts'
import { codeOf, told } from '../support/target-bench.ts'

/** What the status writer keeps to, against the real API server and the fake. */
export function credentialStatusContract(name: string, makeHands: () => Promise<ApiHands>): void {
  describe(`status and finalizer in ${name}`, () => {
    const current: { hands?: ApiHands } = {}
    beforeAll(async () => {
      current.hands = await makeHands()
    })
    const bench = (): StatusBench => {
      if (current.hands === undefined) throw new Error('the API server was not started')
      return new StatusBench(current.hands)
    }
    statuses(bench)
    existence(bench)
    finalizers(bench)
  })
}

function statuses(bench: () => StatusBench): void {
  test('a status is written with one request', async () => {
    const b = bench()
    const uid = await b.hands.createCredential(b.name)
    expect(await b.write(uid, 3)).toBe('ok')
    expect(b.client.methods).toEqual(['PATCH'])
    expect(await b.status()).toMatchObject({ observedGeneration: 3, refreshes: 0 })
  })

  test('what is no longer reported vanishes', async () => {
    const b = bench()
    const uid = await b.hands.createCredential(b.name)
    await b.write(uid, 3, 17)
    expect(await b.status()).toMatchObject({ nextRefreshTime: '1970-01-01T00:00:17Z' })
    await b.write(uid, 4)
    const status = await b.status()
    expect(status).toMatchObject({ observedGeneration: 4 })
    expect(status).not.toHaveProperty('nextRefreshTime')
  })

  test('a status neither touches the spec nor the finalizers', async () => {
    const b = bench()
    const uid = await b.hands.createCredential(b.name, ['example.com/hold'])
    const before = await b.hands.credential(b.name)
    await b.write(uid, 3)
    const after = await b.hands.credential(b.name)
    expect(after['spec']).toEqual(before['spec'])
    expect(jsonAt(after, ['metadata'])['finalizers']).toEqual(['example.com/hold'])
    await b.hands.editCredential(b.name, { metadata: { finalizers: [] } })
  })

  test('the status of an object that is gone succeeds', async () => {
    const b = bench()
    const uid = await b.hands.createCredential(b.name)
    await b.hands.deleteCredential(b.name)
    expect(await b.write(uid, 3)).toBe('ok')
  })

  test('an object that was made anew never gets the status of its namesake', async () => {
    const b = bench()
    const uid = await b.hands.createCredential(b.name)
    await b.hands.deleteCredential(b.name)
    const next = await b.hands.createCredential(b.name)
    expect(await b.write(uid, 3)).toBe('ok')
    // What nobody has written; a real API server fills in the second.
    expect([{}, { observedGeneration: -1 }]).toContainEqual(await b.status())
    expect(await b.write(next, 1)).toBe('ok')
    expect(await b.status()).toMatchObject({ observedGeneration: 1 })
  })
}

function existence(bench: () => StatusBench): void {
  test('an object exists until it is deleted, and again under another uid once it is made anew', async () => {
    const b = bench()
    const uid = await b.hands.createCredential(b.name)
    expect(await b.exists(uid)).toBe(true)
    expect(b.client.methods).toEqual(['GET'])
    await b.hands.deleteCredential(b.name)
    expect(await b.exists(uid)).toBe(false)
    const next = await b.hands.createCredential(b.name)
    expect(await b.exists(uid)).toBe(false)
    expect(await b.exists(next)).toBe(true)
  })

  test('an object that is being deleted does not count', async () => {
    const b = bench()
    const uid = await b.hands.createCredential(b.name, ['example.com/hold'])
    expect(await b.exists(uid)).toBe(true)
    await b.hands.deleteCredential(b.name)
    expect(await b.exists(uid)).toBe(false)
    await b.hands.editCredential(b.name, { metadata: { finalizers: [] } })
  })
}

function finalizers(bench: () => StatusBench): void {
  test('our finalizer goes on and off among those of others, any number of times', async () => {
    const b = bench()
    const uid = await b.hands.createCredential(b.name, ['example.com/hold'])
    expect(await b.finalize(uid, true)).toBe('ok')
    expect(await b.finalize(uid, true)).toBe('ok')
    expect(await b.finalizers()).toEqual(['example.com/hold', finalizerName])
    expect(await b.finalize(uid, false)).toBe('ok')
    expect(await b.finalize(uid, false)).toBe('ok')
    expect(await b.finalizers()).toEqual(['example.com/hold'])
    await b.hands.editCredential(b.name, { metadata: { finalizers: [] } })
  })

  test('what others put on at the moment of the write stays', async () => {
    const b = bench()
    const uid = await b.hands.createCredential(b.name)
    b.client.beforeNextWrite = async () =>
      b.hands.editCredential(b.name, { metadata: { finalizers: ['example.com/hold'] } })
    expect(await b.finalize(uid, true)).toBe('ok')
    expect(await b.finalizers()).toEqual(['example.com/hold', finalizerName])
    await b.hands.editCredential(b.name, { metadata: { finalizers: [] } })
  })

  test('taking it off lets a deleted object go', async () => {
    const b = bench()
    const uid = await b.hands.createCredential(b.name)
    await b.finalize(uid, true)
    await b.hands.deleteCredential(b.name)
    expect(await b.finalizers()).toEqual([finalizerName])
    expect(await b.finalize(uid, false)).toBe('ok')
    await expect(b.hands.credential(b.name)).rejects.toThrow('not found')
  })

  test('an object that is gone, or another of its name, is left alone', async () => {
    const b = bench()
    const uid = await b.hands.createCredential(b.name)
    await b.hands.deleteCredential(b.name)
    expect(await b.finalize(uid, true)).toBe('ok')
    await b.hands.createCredential(b.name)
    expect(await b.finalize(uid, true)).toBe('ok')
    expect(await b.finalizers()).toEqual([])
  })
}

class StatusBench {
  readonly hands: ApiHands
  readonly client: CountingClient
  readonly name = freshName('credential')
  readonly #writer: KubernetesStatusWriter

  constructor(hands: ApiHands) {
    this.hands = hands
    this.client = new CountingClient(hands.operator)
    this.#writer = new KubernetesStatusWriter(this.client)
  }

  async write(uid: string, generation: number, nextRefreshAt?: number): Promise<string> {
    const report = {
      key: { namespace: this.hands.namespace, name: this.name },
      uid,
      state: { ...noState, observedGeneration: generation },
      ...(nextRefreshAt === undefined ? {} : { nextRefreshAt: epochSeconds(nextRefreshAt) }),
    }
    return codeOf(told(await this.#writer.write(report)))
  }

  async finalize(uid: string, present: boolean): Promise<string> {
    const key = { namespace: this.hands.namespace, name: this.name }
    return codeOf(told(await this.#writer.setFinalizer({ key, uid }, present)))
  }

  async exists(uid: string): Promise<unknown> {
    const key = { namespace: this.hands.namespace, name: this.name }
    const told = await this.#writer.exists({ key, uid })
    return told.ok ? told.value : told.failure.code
  }

  async status(): Promise<unknown> {
    return (await this.hands.credential(this.name))['status'] ?? {}
  }

  async finalizers(): Promise<unknown> {
    return jsonAt(await this.hands.credential(this.name), ['metadata'])['finalizers'] ?? []
  }
}
