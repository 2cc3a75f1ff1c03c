import { describe, expect, it } from 'vitest'
import { ResourceIndex } from '../../../src/app/resource-index.ts'
import type { Credential } from '../../../src/domain/credential.ts'
import { type CredentialState, noState } from '../../../src/domain/credential-state.ts'
import { epochSeconds } from '../../../src/domain/time.ts'
import { aCredential } from '../../support/builders.ts'

/** As it comes from a watch: equal, and the same object nowhere. */
function received(credential: Credential): Credential {
  return JSON.parse(JSON.stringify(credential)) as Credential
}

function indexed(index: ResourceIndex, { key }: Credential): Credential {
  const found = index.credential(key)
  if (found?.type !== 'credential') throw new Error('the credential is not in the index')
  return found.credential
}

describe('the resource index', () => {
  it('keeps one copy of a spec through the echoes of status writes', () => {
    const index = new ResourceIndex(() => undefined)
    const credential = aCredential()
    index.upserted('OAuthCredential', { type: 'credential', credential: received(credential) })
    const { spec } = indexed(index, credential)
    const echo = received({ ...credential, state: { ...noState, refreshes: 7 } })
    index.upserted('OAuthCredential', { type: 'credential', credential: echo })
    expect(indexed(index, credential).state.refreshes).toBe(7)
    expect(indexed(index, credential).spec).toBe(spec)
  })

  it('takes a spec that differs, whatever the generation says', () => {
    const index = new ResourceIndex(() => undefined)
    const credential = aCredential()
    index.upserted('OAuthCredential', { type: 'credential', credential })
    const changed = { ...credential, spec: { ...credential.spec, suspend: !credential.spec.suspend } }
    index.upserted('OAuthCredential', { type: 'credential', credential: changed })
    expect(indexed(index, credential).spec.suspend).toBe(changed.spec.suspend)
  })

  it('keeps the state that was reported, once the status comes back with it', () => {
    const { index, credential, reported } = anIndexThatWasReportedTo({ lastRefreshAt: epochSeconds(1_800_000_000.75) })
    const state = { ...reported.state, lastRefreshAt: epochSeconds(1_800_000_000) }
    index.upserted('OAuthCredential', { type: 'credential', credential: received({ ...credential, state }) })
    expect(indexed(index, credential)).toBe(reported)
  })

  it('takes a status that says something else than was reported', () => {
    const { index, credential, reported } = anIndexThatWasReportedTo({ refreshes: 7 })
    const state = { ...reported.state, refreshes: 8 }
    index.upserted('OAuthCredential', { type: 'credential', credential: received({ ...credential, state }) })
    expect(indexed(index, credential).state).toEqual(state)
    expect(indexed(index, credential).spec).toBe(reported.spec)
  })

  it('keeps the state that was reported when something else about the credential changes', () => {
    const { index, credential, reported } = anIndexThatWasReportedTo({ refreshes: 7 })
    const changed = received({ ...credential, refreshRequest: 'now', state: reported.state })
    index.upserted('OAuthCredential', { type: 'credential', credential: changed })
    expect(indexed(index, credential)).toMatchObject({ refreshRequest: 'now', state: { refreshes: 7 } })
    expect(indexed(index, credential).state).toBe(reported.state)
  })

  it('keeps no state of a manifest that has changed since it was acted on', () => {
    const index = new ResourceIndex(() => undefined)
    const credential = aCredential()
    const state = { ...noState, refreshes: 7 }
    expect(index.reported(credential, state)).toBeUndefined()
    index.upserted('OAuthCredential', { type: 'credential', credential })
    index.upserted('OAuthCredential', { type: 'credential', credential: { ...credential, refreshRequest: 'now' } })
    expect(index.reported(credential, state)).toBeUndefined()
    expect(indexed(index, credential).state).toBe(credential.state)
  })
})

function anIndexThatWasReportedTo(changes: Partial<CredentialState>) {
  const index = new ResourceIndex(() => undefined)
  const credential = aCredential()
  index.upserted('OAuthCredential', { type: 'credential', credential })
  const reported = index.reported(indexed(index, credential), { ...noState, ...changes })
  if (reported === undefined) throw new Error('the credential has not changed')
  expect(indexed(index, credential)).toBe(reported)
  return { index, credential, reported }
}
