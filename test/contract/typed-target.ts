import { beforeAll, describe, expect, test } from 'vitest'
import { requestAnnotations } from '../../src/domain/names.ts'
import type { TargetIdentity } from '../../src/ports/access-token-sink.ts'
import type { ApiHands } from '../support/api-hands.ts'
import { canary } from '../support/canary.ts'
import { codeOf, messageOf, TargetBench } from '../support/target-bench.ts'

const adopt = { [requestAnnotations.adopt]: 'true' }
const pullSecret = 'kubernetes.io/dockerconfigjson'
const basicAuth = 'kubernetes.io/basic-auth'
/** Of the types that the API server reserves for the cluster itself, or that others keep their state in. */
const reserved: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'kubernetes.io/tls': { 'tls.crt': '', 'tls.key': '' },
  'kubernetes.io/dockerconfigjson': { '.dockerconfigjson': '{}' },
  'bootstrap.kubernetes.io/token': { 'token-id': 'abcdef' },
  'helm.sh/release.v1': { release: 'x' },
}

type MakeBench = (identity?: Partial<TargetIdentity>) => TargetBench

/** The files of a target of each type. */
function filesOf(type: string | undefined): Readonly<Record<string, string>> {
  const auths = { 'ghcr.io': { auth: Buffer.from(`ci:${canary('at')}`).toString('base64') } }
  if (type === pullSecret) return { '.dockerconfigjson': JSON.stringify({ auths }) }
  return type === basicAuth ? { username: 'ci', password: canary('at') } : { access_token: canary('at') }
}

/** What targets of types other than Opaque keep to, against the real API server and the fake. */
export function typedTargetContract(name: string, makeHands: () => Promise<ApiHands>): void {
  describe(`target Secrets with a type in ${name}`, () => {
    const current: { hands?: ApiHands } = {}
    beforeAll(async () => {
      current.hands = await makeHands()
    })
    const bench: MakeBench = (identity) => {
      if (current.hands === undefined) throw new Error('the API server was not started')
      return new TargetBench(current.hands, identity)
    }
    typed(bench)
    changingType(bench)
    typesOfOthers(bench)
  })
}

function typed(bench: MakeBench): void {
  test.each([pullSecret, basicAuth] as const)('a Secret of the type %s is made and refreshed', async (type) => {
    const b = bench({ type })
    await b.published(filesOf(type))
    expect(await b.hands.secret(b.name)).toMatchObject({ type })
    const files = filesOf(type)
    b.client.methods.splice(0)
    await b.published(files)
    expect(b.client.methods).toEqual(['PATCH'])
    expect(await b.hands.data(b.name)).toEqual(files)
    expect(await b.observed(Object.keys(files))).toMatchObject({ kind: 'ours', intact: true })
  })

  test.each([pullSecret, basicAuth] as const)('a former target of the type %s is removed', async (type) => {
    const b = bench({ type })
    await b.published(filesOf(type))
    expect(codeOf(await b.sink.remove(b.identity))).toBe('ok')
    expect(await b.hands.secretExists(b.name)).toBe(false)
  })

  test.each([pullSecret, basicAuth] as const)(
    'of a former target of the type %s, with a key of somebody else, our tokens go',
    async (type) => {
      const b = bench({ type })
      const files = filesOf(type)
      await b.published(files)
      await b.hands.editData(b.name, { theirs: 'kept' })
      expect(codeOf(await b.sink.remove(b.identity))).toBe('ok')
      const left = await b.hands.data(b.name)
      expect(left['theirs']).toBe('kept')
      for (const content of Object.values(files)) expect(Object.values(left)).not.toContain(content)
    },
  )
}

function changingType(bench: MakeBench): void {
  test.each([
    [undefined, pullSecret],
    [pullSecret, basicAuth],
    [basicAuth, undefined],
  ] as const)('from the type %s to %s the Secret is made anew', async (from, to) => {
    const before = bench(from === undefined ? {} : { type: from })
    await before.published(filesOf(from))
    const { uid } = await before.hands.metadata(before.name)
    const { type: _before, ...identity } = before.identity
    const b = new TargetBench(before.hands, { ...identity, ...(to === undefined ? {} : { type: to }) })
    const files = filesOf(to)
    expect(await b.observed(Object.keys(files))).toMatchObject({ kind: 'ours', intact: false })
    expect(codeOf(await b.rehearse(files))).toBe('ok')
    expect((await b.hands.metadata(b.name))['uid']).toBe(uid)
    await b.published(files)
    expect(await b.hands.secret(b.name)).toMatchObject({ type: to ?? 'Opaque' })
    expect((await b.hands.metadata(b.name))['uid']).not.toBe(uid)
    expect(await b.hands.data(b.name)).toEqual(files)
    expect(await b.observed(Object.keys(files))).toMatchObject({ kind: 'ours', intact: true })
  })

  test('a Secret with a key of somebody else is not deleted for another type, and says so', async () => {
    const before = bench()
    await before.published()
    await before.hands.editData(before.name, { theirs: 'kept' })
    const b = before.as({ type: pullSecret })
    const result = await b.publish(filesOf(pullSecret))
    expect(codeOf(result)).toBe('TARGET_REJECTED')
    expect(messageOf(result)).toContain('is of the type Opaque, which cannot be changed')
    expect(await b.hands.data(b.name)).toMatchObject({ theirs: 'kept' })
  })

  test('a Secret that changes at the moment of its deletion is looked at again', async () => {
    const before = bench()
    await before.published()
    const b = before.as({ type: pullSecret })
    await b.observe(['.dockerconfigjson'])
    let writes = 0
    const edited = async (): Promise<void> => {
      writes += 1
      if (writes === 3) await b.hands.editData(b.name, { theirs: 'kept' })
      else b.client.beforeNextWrite = edited
    }
    b.client.beforeNextWrite = edited
    expect(codeOf(await b.publish(filesOf(pullSecret)))).toBe('TARGET_REJECTED')
    expect(await b.hands.data(b.name)).toMatchObject({ theirs: 'kept' })
  })
}

function typesOfOthers(bench: MakeBench): void {
  test.each(Object.entries(reserved))('a Secret of the type %s is not adopted, nor merged into', async (type, data) => {
    for (const creationPolicy of ['Owner', 'Merge'] as const) {
      const b = bench({ creationPolicy })
      await b.hands.createSecret(b.name, { type, data, annotations: adopt })
      const before = JSON.stringify(await b.hands.secret(b.name))
      expect(await b.observed()).toBe('TARGET_REJECTED')
      const result = await b.publish()
      expect(codeOf(result)).toBe('TARGET_REJECTED')
      expect(messageOf(result)).toContain(`is of the type ${type}, which cannot be changed`)
      expect(messageOf(result)).toContain('choose another spec.target.name')
      expect(JSON.stringify(await b.hands.secret(b.name))).toBe(before)
    }
  })

  test('a Secret of the wanted type may be adopted', async () => {
    const b = bench({ type: pullSecret })
    const data = { '.dockerconfigjson': '{}' }
    await b.hands.createSecret(b.name, { type: pullSecret, data, annotations: adopt })
    const files = filesOf(pullSecret)
    expect(await b.observed(Object.keys(files))).toEqual({ kind: 'adoptable' })
    await b.published(files)
    expect(await b.hands.data(b.name)).toEqual(files)
  })
}
