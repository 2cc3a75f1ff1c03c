import { describe, expect, it } from 'vitest'
import type { ClaimState } from '../../../src/domain/document-claim.ts'
import {
  asksForOwnership,
  type Ownership,
  ownerId,
  ownerName,
  ownershipProblem,
  wantsClaim,
} from '../../../src/domain/ownership.ts'
import { withOwnership } from '../../../src/domain/preflight.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import {
  aCredential,
  anObservation,
  aStoredToken,
  refreshedState,
  type CredentialChanges,
} from '../../support/builders.ts'

const owner = 'OAuthCredential ci/claude of installation cluster-2'
const claimed: ClaimState = {
  kind: 'claimed',
  claim: { owner: 'cluster-2/1', ownerName: owner, sealingKey: new Sensitive('k') },
}
const free: ClaimState = { kind: 'free' }
const foreign: Ownership = { isOwn: false, ownerYields: false }
const own: Ownership = { isOwn: true, ownerYields: false }
const gone: Ownership = { isOwn: false, ownerYields: true }
const twin: Ownership = { ...foreign, twin: { namespace: 'ci', name: 'other' } }
const asked = { ownershipRequest: 'now' }

interface Given {
  readonly claim?: ClaimState
  readonly ownership: Ownership
  readonly credential?: CredentialChanges
  readonly handled?: string
}

const table: Record<string, [given: Given, problem: string | undefined, claims: boolean]> = {
  'no room for a claim': [{ ownership: foreign }, undefined, false],
  'nobody’s': [{ claim: free, ownership: foreign }, undefined, true],
  ours: [{ claim: claimed, ownership: own }, undefined, false],
  'another’s': [{ claim: claimed, ownership: foreign }, owner, true],
  'of one that is gone': [{ claim: claimed, ownership: gone }, undefined, true],
  'another’s, and a human says ours': [{ claim: claimed, ownership: foreign, credential: asked }, undefined, true],
  'another’s, and a human said ours once': [
    { claim: claimed, ownership: foreign, credential: asked, handled: 'now' },
    owner,
    true,
  ],
  'another’s, and a human says ours again': [
    { claim: claimed, ownership: foreign, credential: asked, handled: 'before' },
    undefined,
    true,
  ],
  'a twin’s without room': [{ ownership: twin }, 'OAuthCredential ci/other', false],
  'a twin’s, whatever a human says': [{ ownership: twin, credential: asked }, 'OAuthCredential ci/other', false],
}

describe('a document that is', () => {
  it.each(Object.entries(table))('%s', (_name, [{ claim, ownership, credential, handled }, problem, claims]) => {
    const state = refreshedState(600, 3600, handled === undefined ? {} : { handledOwnershipRequest: handled })
    const observed = anObservation({ credential: aCredential(credential), state })
    const stored = { ...aStoredToken(), ...(claim && { claim }) }
    const found = ownershipProblem(observed, stored, ownership)
    expect(found?.code).toBe(problem === undefined ? undefined : 'REFRESH_TOKEN_OWNED')
    if (problem !== undefined) expect(found?.message).toContain(`is refreshed by ${problem}.`)
    expect(wantsClaim(stored, ownership)).toBe(claims)
  })
})

describe('a request for ownership', () => {
  it('is none without the annotation', () => {
    const observed = anObservation()
    expect(asksForOwnership(observed)).toBe(false)
    expect(withOwnership(observed, { state: observed.state }).state).toBe(observed.state)
  })

  it('stands until it is acknowledged, once', () => {
    const observed = anObservation({ credential: aCredential(asked) })
    expect(asksForOwnership(observed)).toBe(true)
    const { state } = withOwnership(observed, { state: observed.state })
    expect(state.handledOwnershipRequest).toBe('now')
    expect(asksForOwnership({ ...observed, state })).toBe(false)
  })
})

describe('an owner', () => {
  it('is one credential of one installation', () => {
    expect(ownerId('cluster-1', 'uid-1')).toBe('cluster-1/uid-1')
    expect(ownerName('cluster-1', { namespace: 'ci', name: 'claude' })).toBe(
      'OAuthCredential ci/claude of installation cluster-1',
    )
  })
})
