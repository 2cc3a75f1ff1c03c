import { beforeAll, describe, expect, test } from 'vitest'
import { targetAnnotations } from '../../src/domain/names.ts'
import { later, seconds } from '../../src/domain/time.ts'
import type { CreationPolicy } from '../../src/domain/credential.ts'
import type { ApiHands } from '../support/api-hands.ts'
import { canary } from '../support/canary.ts'
import { expiresAt, issuedAt, TargetBench } from '../support/target-bench.ts'

type MakeBench = () => TargetBench

/** A target Secret never goes back to an earlier token, against the real API server and the fake. */
export function targetOrderContract(name: string, makeHands: () => Promise<ApiHands>): void {
  describe.each(['Owner', 'Merge'] as const)(`the order of publications under %s in ${name}`, (creationPolicy) => {
    const current: { hands?: ApiHands } = {}
    beforeAll(async () => {
      current.hands = await makeHands()
    })
    const bench: MakeBench = () => {
      if (current.hands === undefined) throw new Error('the API server was not started')
      return new TargetBench(current.hands, { creationPolicy })
    }
    lateReplicas(bench)
    whatProvesNothing(bench, creationPolicy)
  })
}

function lateReplicas(bench: MakeBench): void {
  test('a replica that was stopped before its publication does not take the newer token away', async () => {
    const late = bench()
    await late.published()
    const other = late.as({})
    const newer = canary('at')
    late.client.beforeNextWrite = () => other.published({ access_token: newer }, { after: 120 })
    await late.published({ access_token: canary('at') }, { after: 60 })
    expect(await late.hands.data(late.name)).toEqual({ access_token: newer })
    expect(await late.observed()).toMatchObject({
      kind: 'ours',
      issuedAt: later(issuedAt, seconds(120)),
      expiresAt: later(expiresAt, seconds(120)),
      intact: true,
    })
  })

  test('nor one that saw no target yet', async () => {
    const late = bench()
    expect(await late.observed()).toEqual({ kind: 'absent' })
    const newer = canary('at')
    await late.as({}).published({ access_token: newer }, { after: 1 })
    const { resourceVersion } = await late.hands.metadata(late.name)
    await late.published()
    expect(await late.hands.data(late.name)).toEqual({ access_token: newer })
    expect((await late.hands.metadata(late.name))['resourceVersion']).toBe(resourceVersion)
  })

  test('nor one that begins anew', async () => {
    const late = bench()
    const newer = canary('at')
    await late.published({ access_token: newer }, { after: 1 })
    late.restart()
    await late.published()
    await late.published()
    expect(await late.hands.data(late.name)).toEqual({ access_token: newer })
  })

  test('the newer token takes the place of the older one, and an equally old one too', async () => {
    const b = bench()
    await b.published()
    const token = canary('at')
    await b.as({}).published({ access_token: token }, { after: 1 })
    expect(await b.hands.data(b.name)).toEqual({ access_token: token })
    await b.published({ access_token: token, header: token }, { after: 1 })
    expect(await b.hands.data(b.name)).toEqual({ access_token: token, header: token })
  })
}

function whatProvesNothing(bench: MakeBench, creationPolicy: CreationPolicy): void {
  test('a newer token that is gone keeps no older one out', async () => {
    const b = bench()
    await b.published({ access_token: canary('at') }, { after: 60 })
    await b.hands.deleteSecret(b.name)
    const token = canary('at')
    await b.published({ access_token: token })
    expect(await b.hands.data(b.name)).toEqual({ access_token: token })
  })

  test('a token from a clock that was ahead keeps none out', async () => {
    const b = bench()
    await b.published({ access_token: canary('at') }, { after: 86_400 })
    const token = canary('at')
    await b.published({ access_token: token })
    expect(await b.hands.data(b.name)).toEqual({ access_token: token })
    expect(await b.observed()).toMatchObject({ issuedAt })
  })

  test.each([null, 'tomorrow'])('an issue time that somebody made %s keeps none out', async (value) => {
    const b = bench()
    await b.published({ access_token: canary('at') }, { after: 60 })
    const { issuedAt: plain } = targetAnnotations
    const annotation = creationPolicy === 'Merge' ? `${plain}.${b.identity.credentialUid}` : plain
    await b.hands.edit(b.name, { metadata: { annotations: { [annotation]: value } } })
    const token = canary('at')
    await b.published({ access_token: token })
    expect(await b.hands.data(b.name)).toEqual({ access_token: token })
  })
}
