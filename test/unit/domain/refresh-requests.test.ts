import { describe, expect, it } from 'vitest'
import { decide } from '../../../src/domain/decide.ts'
import { failure, type FailureCode } from '../../../src/domain/failures.ts'
import type { CredentialState } from '../../../src/domain/credential-state.ts'
import type { Observed } from '../../../src/domain/observed.ts'
import type { Step } from '../../../src/domain/step.ts'
import { aCredential, anObservation, aProvider, inSeconds, noon, refreshedState } from '../../support/builders.ts'

// Somebody sets the annotation oauth-operator.dev/refresh-requested-at: what comes of it, whatever else is so.

const asked = aCredential({ refreshRequest: '2027-01-15T08:00:00Z' })

function failed(code: FailureCode, secondsAgo: number, retryAfterSeconds?: number): CredentialState {
  const { message } = failure(code, 'Something was tried.')
  const at = inSeconds(-secondsAgo)
  return refreshedState(600, 3600, {
    consecutiveFailures: 3,
    lastFailure: { code, message, at, inputs: 'before', ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) },
  })
}

function told(step: Step): string {
  if (step.kind === 'settled') return step.settlement.kind
  const isOnlyALook = 'unlessSameAs' in step.action
  return isOnlyALook ? 'looks' : step.action.kind
}

const slow = { provider: { kind: 'found', value: aProvider({ minimumRefreshIntervalSeconds: 900 }) } } as const

/** `inputs` of an attempt follow from the annotation too, so they differ from those of the failed attempt. */
const table: Record<string, [changes: Partial<Observed>, expected: string]> = {
  'a new value refreshes now': [{}, 'read-refresh-token'],
  'the value that was handled does nothing': [
    { state: refreshedState(600, 3600, { handledRefreshRequest: '2027-01-15T08:00:00Z' }) },
    'fine',
  ],
  'a value in the past counts like any other: it is compared, not read': [
    { credential: aCredential({ refreshRequest: '1999-01-01T00:00:00Z' }) },
    'read-refresh-token',
  ],
  'a value that was set back to an earlier one is a new one': [
    { state: refreshedState(600, 3600, { handledRefreshRequest: '2028-01-01T00:00:00Z' }) },
    'read-refresh-token',
  ],
  'a value that is no time counts too': [
    { credential: aCredential({ refreshRequest: 'please' }) },
    'read-refresh-token',
  ],
  'while the grant is dead the same token is presented once more, since a human says so': [
    { state: failed('REFRESH_TOKEN_REJECTED', 5) },
    'read-refresh-token',
  ],
  'while the token was used by somebody else it is too': [
    { state: failed('REFRESH_TOKEN_REUSED', 5) },
    'read-refresh-token',
  ],
  'a dead grant whose request was answered is only looked at': [
    { state: failed('REFRESH_TOKEN_REJECTED', 5), grantInputs: 'before' },
    'looks',
  ],
  'while a seed is missing it is looked for now': [{ state: failed('REFRESH_TOKEN_MISSING', 1) }, 'read-refresh-token'],
  'while the server is away it is tried now': [
    { state: failed('TOKEN_ENDPOINT_UNREACHABLE', 1) },
    'read-refresh-token',
  ],
  'while the server wants to be left alone it waits': [
    { state: failed('TOKEN_ENDPOINT_THROTTLED', 1, 60) },
    'retrying',
  ],
  'while it is suspended nothing is sent': [
    { credential: aCredential({ refreshRequest: 'now', spec: { suspend: true } }) },
    'suspended',
  ],
  'while it is being deleted nothing is sent': [
    { credential: aCredential({ refreshRequest: 'now', deleting: true }) },
    'gone',
  ],
  'within ten seconds of the last refresh it waits': [{ state: refreshedState(9, 3600) }, 'fine'],
  'after ten seconds it does not': [{ state: refreshedState(10, 3600) }, 'read-refresh-token'],
  'a provider that wants more time between two gets it': [{ ...slow, state: refreshedState(899, 3600) }, 'fine'],
  'and no more than that': [{ ...slow, state: refreshedState(901, 3600) }, 'read-refresh-token'],
  'a last refresh in the future says nothing': [{ ...slow, state: refreshedState(-3600, 7200) }, 'read-refresh-token'],
}

describe('a refresh that is asked for', () => {
  it.each(Object.entries(table))('%s', (_, [changes, expected]) => {
    expect(
      told(decide(anObservation({ credential: asked, inputs: 'now', grantInputs: 'now', ...changes }), noon)),
    ).toBe(expected)
  })

  it('says until when it waits, and why', () => {
    const step = decide(anObservation({ ...slow, credential: asked, state: refreshedState(100, 3600) }), noon)
    expect(step).toMatchObject({
      kind: 'settled',
      settlement: {
        kind: 'fine',
        postponed: { until: inSeconds(801), why: 'OAuthProvider ci/gateway wants 900 s between two refreshes.' },
      },
    })
    expect(step.kind === 'settled' && step.wakeAt).toBe(inSeconds(600))
  })
})

describe('the time that a provider wants between two refreshes', () => {
  const due: Record<string, [changes: Partial<Observed>, expected: string]> = {
    'holds for a token that the schedule would refresh': [{ state: refreshedState(400, 600) }, 'fine'],
    'holds for an expired one': [{ state: refreshedState(700, 600) }, 'fine'],
    ends: [{ state: refreshedState(901, 600) }, 'read-refresh-token'],
    'holds for a target that is gone': [
      { state: refreshedState(400, 3600), target: { kind: 'observed', state: { kind: 'absent' } } },
      'fine',
    ],
    'holds for a target that the spec has changed': [
      { state: refreshedState(400, 3600), targetDigest: 'other.login' },
      'fine',
    ],
    'is not wanted before the first': [{ state: aCredential().state }, 'read-refresh-token'],
    'is not wanted of a request whose answer was lost': [
      {
        state: refreshedState(1000, 3600, {
          consecutiveFailures: 1,
          lastFailure: { code: 'TOKEN_RESULT_UNKNOWN', message: '', at: inSeconds(-30), inputs: 'same' },
        }),
      },
      'read-refresh-token',
    ],
  }

  it.each(Object.entries(due))('%s', (_, [changes, expected]) => {
    expect(told(decide(anObservation({ ...slow, ...changes }), noon))).toBe(expected)
  })
})
