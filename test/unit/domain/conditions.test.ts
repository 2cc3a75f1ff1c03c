import { describe, expect, it } from 'vitest'
import { type ConditionInput, conditionOf, conditionsOf } from '../../../src/domain/conditions.ts'
import { type Condition, type CredentialState, noState } from '../../../src/domain/credential-state.ts'
import { failure, type FailureCode } from '../../../src/domain/failures.ts'
import type { Settlement } from '../../../src/domain/step.ts'
import type { TargetState } from '../../../src/domain/target-state.ts'
import { noon, refreshedState } from '../../support/builders.ts'

const reasons: Readonly<Record<string, readonly [FailureCode, string]>> = {
  'an error': ['STORE_UNAVAILABLE', 'RetryingAfterError'],
  'a limit': ['TOKEN_ENDPOINT_THROTTLED', 'WaitingForRateLimit'],
  'a refresh of another process': ['REFRESH_UNDER_WAY', 'RefreshUnderWay'],
}

describe('what is waited for is told by the reason of Reconciling', () => {
  it.each(Object.entries(reasons))('after %s', (_name, [code, reason]) => {
    const cause = failure(code, 'Something was tried.')
    const conditions = conditionsAt(refreshedState(600, 3600), { kind: 'retrying', failure: cause })
    expect(conditionOf(conditions, 'Reconciling')).toMatchObject({ reason, message: cause.message })
  })
})

describe('a target that is not yet as the spec asks', () => {
  const outdated = (settlement: Settlement): Condition | undefined =>
    conditionOf(
      conditionsOf({ ...inputAt(refreshedState(600, 3600), settlement), targetOutdated: true }),
      'Reconciling',
    )

  it('is told of, although its token is valid: what waits for the new spec is not to go on with the old one', () => {
    expect(outdated({ kind: 'fine' })).toMatchObject({ status: 'True', reason: 'TargetOutdated' })
  })

  it.each<[string, Settlement, string | undefined]>([
    ['a failure', { kind: 'retrying', failure: failure('STORE_UNAVAILABLE', 'It was read.') }, 'RetryingAfterError'],
    ['a human who must act', { kind: 'stalled', failure: failure('SPEC_INVALID', 'It is invalid.') }, undefined],
    ['a human who said stop', { kind: 'suspended' }, undefined],
  ])('gives way to %s', (_, settlement, reason) => {
    expect(outdated(settlement)?.reason).toBe(reason)
  })
})

describe('while a human must act, Ready gives the reason of Stalled and its remedy', () => {
  const cause = failure('REFRESH_TOKEN_REJECTED', 'The server refused.')
  const states: Readonly<Record<string, readonly [CredentialState, 'True' | 'False', string]>> = {
    'a valid token': [refreshedState(600, 3600), 'True', 'The access token is valid until '],
    'a token that is over': [refreshedState(3600, 600), 'False', 'The access token expired at '],
    'no token yet': [noState, 'False', 'No access token has been published yet. '],
  }

  it.each(Object.entries(states))('with %s', (_name, [state, status, beginning]) => {
    const is = conditionOf(conditionsAt(state, { kind: 'stalled', failure: cause }), 'Ready')
    expect(is).toMatchObject({ status, reason: 'ReauthorizationRequired' })
    expect(is?.message.startsWith(beginning)).toBe(true)
    expect(is?.message.split(cause.message)).toHaveLength(2)
  })

  it('with a target that is gone', () => {
    const stalled: Settlement = { kind: 'stalled', failure: cause }
    const is = conditionOf(conditionsAt(refreshedState(600, 3600), stalled, { kind: 'absent' }), 'Ready')
    expect(is).toMatchObject({ status: 'False', reason: 'ReauthorizationRequired' })
    expect(is?.message).toBe(`The target is gone, and could not be made again yet. ${cause.message}`)
  })

  it('and no longer than that', () => {
    const before = conditionsAt(refreshedState(600, 3600), { kind: 'stalled', failure: cause })
    const after = conditionsAt({ ...refreshedState(600, 3600), conditions: before }, { kind: 'fine' })
    expect(conditionOf(after, 'Ready')).toMatchObject({ status: 'True', reason: 'TokenValid' })
    expect(conditionOf(after, 'Stalled')).toBeUndefined()
  })
})

function conditionsAt(state: CredentialState, settlement: Settlement, target?: TargetState): readonly Condition[] {
  return conditionsOf({ ...inputAt(state, settlement), ...(target && { target }) })
}

function inputAt(state: CredentialState, settlement: Settlement): ConditionInput {
  const seen = { answerWaiting: false, writtenBack: false, storeIsNewest: false }
  return { state, settlement, ...seen, generation: 1, now: noon }
}
