import { describe, expect, it } from 'vitest'
import { decide, decideInvalid } from '../../../src/domain/decide.ts'
import { noState } from '../../../src/domain/credential-state.ts'
import { failure, type FailureCode, failureCodes } from '../../../src/domain/failures.ts'
import type { Observed, PendingTokens } from '../../../src/domain/observed.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import type { Step } from '../../../src/domain/step.ts'
import {
  aCredential,
  anAccessToken,
  anObservation,
  aProvider,
  aStoredToken,
  aRotation,
  aStore,
  inSeconds,
  noon,
  refreshedState,
} from '../../support/builders.ts'
import { canary } from '../../support/canary.ts'

/** A step in one word: the action's kind, or how it settles and by what. */
function told(step: Step): string {
  if (step.kind === 'act') return step.action.kind
  return 'failure' in step.settlement ? `${step.settlement.kind} ${step.settlement.failure.code}` : step.settlement.kind
}

function lastFailure(code: FailureCode, secondsAgo: number, inputs = 'same'): Partial<Observed> {
  const { message } = failure(code, 'Something was tried.')
  const state = refreshedState(3500, 3600, {
    consecutiveFailures: 1,
    lastFailure: { code, message, at: inSeconds(-secondsAgo), inputs },
  })
  return { state }
}

function pendingWriteBack(changes: Partial<PendingTokens> = {}): PendingTokens {
  const tokens = { accessToken: anAccessToken(), refreshToken: new Sensitive(canary('rt')) }
  return {
    tokens,
    base: aStoredToken(),
    presented: new Sensitive(canary('rt')),
    source: aCredential().spec.refreshToken,
    persisted: false,
    recorded: true,
    behindSince: inSeconds(-60),
    published: false,
    writeBackFailures: 0,
    ...changes,
  }
}

const ours = { kind: 'ours', digest: 'digest', intact: true } as const

const table: Record<string, [changes: Partial<Observed>, expected: string]> = {
  'a healthy credential is fine': [{}, 'fine'],
  'one second before its time a token is left alone': [{ state: refreshedState(1900, 3600) }, 'fine'],
  'after its time a token is refreshed': [{ state: refreshedState(2401, 3600) }, 'read-refresh-token'],
  'an expired token is refreshed': [{ state: refreshedState(4000, 3600) }, 'read-refresh-token'],
  'nothing published yet: refresh': [{ state: aCredential().state }, 'read-refresh-token'],
  'a missing provider stalls': [{ provider: { kind: 'missing' } }, 'stalled PROVIDER_NOT_FOUND'],
  'a missing store stalls': [{ store: { kind: 'missing' } }, 'stalled STORE_NOT_FOUND'],
  'a provider that may be on its way with a new credential is waited for': [
    { state: noState, provider: { kind: 'missing' } },
    'fine',
  ],
  'a store that may be on its way with a new credential is waited for': [
    { state: noState, store: { kind: 'missing' } },
    'fine',
  ],
  'a provider that is not there after five seconds is missing': [
    { state: noState, provider: { kind: 'missing' }, credential: aCredential({ createdAt: inSeconds(-5) }) },
    'stalled PROVIDER_NOT_FOUND',
  ],
  'a credential from a clock that is a little ahead waits too': [
    { state: noState, provider: { kind: 'missing' }, credential: aCredential({ createdAt: inSeconds(5) }) },
    'fine',
  ],
  'a credential from the future waits for nothing': [
    { state: noState, provider: { kind: 'missing' }, credential: aCredential({ createdAt: inSeconds(6) }) },
    'stalled PROVIDER_NOT_FOUND',
  ],
  'a namespace that is not known yet may be on its way with a new credential': [
    { state: noState, store: { kind: 'found', value: aStore({ kind: 'ClusterTokenStore' }) } },
    'fine',
  ],
  'what a known namespace is not granted is told at once': [
    {
      state: noState,
      store: { kind: 'found', value: aStore({ kind: 'ClusterTokenStore' }) },
      namespaceLabels: {},
    },
    'stalled STORE_ACCESS_NOT_GRANTED',
  ],
  'an invalid provider stalls': [
    {
      provider: {
        kind: 'invalid',
        referent: { name: 'gateway', problems: [{ field: 'spec.client', message: 'is required' }] },
      },
    },
    'stalled PROVIDER_INVALID',
  ],
  'a cluster store that grants nothing stalls': [
    { store: { kind: 'found', value: aStore({ kind: 'ClusterTokenStore' }) } },
    'stalled STORE_ACCESS_NOT_GRANTED',
  ],
  'a due token is not refreshed into a foreign target': [
    { state: refreshedState(2401, 3600), target: { kind: 'observed', state: { kind: 'foreign', owner: 'helm' } } },
    'stalled TARGET_NOT_OWNED',
  ],
  'a target that may be adopted is written': [
    { target: { kind: 'observed', state: { kind: 'adoptable' } } },
    'read-refresh-token',
  ],
  'a lost target is published again from memory': [
    { target: { kind: 'observed', state: { kind: 'absent' } }, accessToken: anAccessToken() },
    'publish',
  ],
  'a lost target whose token is over is refreshed': [
    { target: { kind: 'observed', state: { kind: 'absent' } }, accessToken: anAccessToken(inSeconds(-1)) },
    'read-refresh-token',
  ],
  'a lost target without its token in memory is refreshed': [
    { target: { kind: 'observed', state: { kind: 'absent' } } },
    'read-refresh-token',
  ],
  'a damaged target is repaired': [
    { target: { kind: 'observed', state: { ...ours, intact: false } }, accessToken: anAccessToken() },
    'publish',
  ],
  'changed outputs are published': [{ targetDigest: 'other.login', accessToken: anAccessToken() }, 'publish'],
  'another login in the spec is refreshed, not published': [
    { targetDigest: 'digest.another', accessToken: anAccessToken() },
    'read-refresh-token',
  ],
  'a suspended credential waits, even when it is due': [
    { credential: aCredential({ spec: { suspend: true } }), state: refreshedState(3500, 3600) },
    'suspended',
  ],
  'a suspended credential still brings its rotated token home': [
    { credential: aCredential({ spec: { suspend: true } }), pending: pendingWriteBack() },
    'write-back',
  ],
  'a deleted credential brings its rotated token home first': [
    { credential: aCredential({ deleting: true }), pending: pendingWriteBack() },
    'write-back',
  ],
  'a deletion goes on when the store stays away': [
    {
      credential: aCredential({ deleting: true, finalized: true }),
      pending: pendingWriteBack({ writeBackFailures: 5 }),
    },
    'gone',
  ],
  'a deleted credential is never refreshed': [
    { credential: aCredential({ deleting: true }), state: refreshedState(3500, 3600) },
    'gone',
  ],
  'a deletion cleans up what nobody else would': [
    { credential: aCredential({ deleting: true, finalized: true }), needsCleanup: true, needsFinalizer: true },
    'clean-up',
  ],
  'a finalizer comes before the first publication': [
    { state: aCredential().state, needsCleanup: true, needsFinalizer: true },
    'add-finalizer',
  ],
  'a finalizer for what is published comes even while it is suspended': [
    {
      credential: aCredential({ spec: { suspend: true } }),
      needsFinalizer: true,
      state: { ...refreshedState(600, 3600), targetName: 'claude-token' },
    },
    'add-finalizer',
  ],
  'a finalizer that nothing needs any more is taken off, once the target is as the spec wants it': [
    { credential: aCredential({ finalized: true }) },
    'remove-finalizer',
  ],
  'a write-back comes before everything else': [
    { pending: pendingWriteBack(), provider: { kind: 'missing' }, state: refreshedState(3500, 3600) },
    'write-back',
  ],
  'a token that is in the store and not in its target is published': [
    { pending: pendingWriteBack({ persisted: true }) },
    'publish',
  ],
  'a transient failure is waited out': [lastFailure('STORE_UNAVAILABLE', 1), 'retrying STORE_UNAVAILABLE'],
  'after its backoff a transient failure is tried again': [lastFailure('STORE_UNAVAILABLE', 7), 'read-refresh-token'],
  'a changed manifest ends the backoff': [lastFailure('STORE_UNAVAILABLE', 1, 'other'), 'read-refresh-token'],
  'a missing document is not looked for at once': [
    lastFailure('REFRESH_TOKEN_MISSING', 4),
    'stalled REFRESH_TOKEN_MISSING',
  ],
  'a missing document is looked for after a while': [lastFailure('REFRESH_TOKEN_MISSING', 6), 'read-refresh-token'],
  'an unknown code in a forged status is ignored': [lastFailure('toString' as FailureCode, 1), 'read-refresh-token'],
}

describe('decide', () => {
  it.each(Object.entries(table))('%s', (_, [changes, expected]) => {
    expect(told(decide(anObservation(changes), noon))).toBe(expected)
  })

  it('reads the store, but presents a refused token again only if another one is there', () => {
    const step = decide(anObservation(lastFailure('REFRESH_TOKEN_REJECTED', 600)), noon)
    expect(step).toMatchObject({
      kind: 'act',
      action: { kind: 'read-refresh-token', unlessSameAs: { code: 'REFRESH_TOKEN_REJECTED' } },
    })
  })

  const constant = {
    provider: { kind: 'found', value: aProvider({ rotation: aRotation({ mode: 'Never' }) }) },
  } as const
  const rotating = {
    provider: { kind: 'found', value: aProvider({ rotation: aRotation({ mode: 'Always' }) }) },
  } as const

  function refusedTimes(refusals: number, secondsAgo: number): Partial<Observed> {
    const { state = noState } = lastFailure('REFRESH_TOKEN_REJECTED', secondsAgo)
    const { lastFailure: known } = state
    return known === undefined ? {} : { state: { ...state, lastFailure: { ...known, refusals } } }
  }

  const probes: Record<string, [changes: Partial<Observed>, presented: boolean]> = {
    'before a minute is over it is not': [{ ...constant, ...refusedTimes(1, 59) }, false],
    'after a minute it is confirmed': [{ ...constant, ...refusedTimes(1, 60) }, true],
    'once confirmed it rests for an hour': [{ ...constant, ...refusedTimes(2, 3599) }, false],
    'after an hour it is probed': [{ ...constant, ...refusedTimes(2, 3600) }, true],
    'the next probe comes after two': [{ ...constant, ...refusedTimes(3, 7199) }, false],
    'where refresh tokens rotate it is not, after whatever time': [{ ...rotating, ...refusedTimes(1, 9e6) }, false],
    'nor where nobody knows whether they do': [refusedTimes(1, 9e6), false],
  }

  it.each(Object.entries(probes))('presents a token again that was refused: %s', (_, [changes, presented]) => {
    const step = decide(anObservation(changes), noon)
    expect(step).toMatchObject({ kind: 'act', action: { kind: 'read-refresh-token' } })
    expect(step.kind === 'act' && 'unlessSameAs' in step.action).toBe(!presented)
  })

  it('wakes in time for whatever it waits for, and never at once while nothing changes', () => {
    for (const code of failureCodes()) {
      const step = decide(anObservation(lastFailure(code, 1)), noon)
      if (step.kind !== 'settled') continue
      expect(step.wakeAt, code).toBeGreaterThan(noon)
      expect(step.wakeAt, code).toBeLessThanOrEqual(inSeconds(100))
    }
  })

  it('wakes at the expiry of the token, to say that it is over', () => {
    const state = refreshedState(3595, 3600, {
      consecutiveFailures: 9,
      lastFailure: {
        code: 'STORE_UNAVAILABLE',
        message: '',
        at: inSeconds(-1),
        inputs: 'same',
        retryAfterSeconds: 900,
      },
    })
    expect(decide(anObservation({ state }), noon)).toMatchObject({ kind: 'settled', wakeAt: inSeconds(5) })
  })

  it('refreshes late where a refresh kills the token that readers hold', () => {
    const rotation = aRotation({ revokesPreviousAccessToken: true })
    const provider = { kind: 'found', value: aProvider({ rotation }) } as const
    expect(told(decide(anObservation({ provider, state: refreshedState(2700, 3600) }), noon))).toBe('fine')
    expect(told(decide(anObservation({ provider, state: refreshedState(3300, 3600) }), noon))).toBe(
      'read-refresh-token',
    )
  })
})

describe('decideInvalid', () => {
  it('names the object and the field', () => {
    const { key, uid, generation, state } = aCredential()
    const problems = [{ field: 'spec.scopes', message: 'must be a list' }]
    const credential = { key, uid, generation, state, problems, deleting: false, finalized: false }
    const step = decideInvalid({ credential, state }, noon)
    expect(step.kind === 'settled' && 'failure' in step.settlement && step.settlement.failure.message).toMatch(
      /^OAuthCredential ci\/claude is invalid: spec\.scopes: must be a list\. /,
    )
  })
})
