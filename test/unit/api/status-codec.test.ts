import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeState, encodeStatus } from '../../../src/api/decode.ts'
import { oauthCredentialStatus } from '../../../src/api/oauth-credential-status.ts'
import type { ConsumersState } from '../../../src/domain/consumers-state.ts'
import { type Condition, type CredentialState, noState } from '../../../src/domain/credential-state.ts'
import { failureCodes } from '../../../src/domain/failures.ts'
import { epochSeconds } from '../../../src/domain/time.ts'
import { workloadKinds } from '../../../src/domain/workload.ts'

const lastSecond = 253_402_300_799
const time = fc.integer({ min: 0, max: lastSecond }).map(epochSeconds)
const count = fc.nat()
const text = fc.string({ unit: 'grapheme', maxLength: 100 })

const condition: fc.Arbitrary<Condition> = fc.record({
  type: fc.constantFrom('Ready', 'Reconciling', 'Stalled', 'RefreshTokenPersisted', 'ConsumersNotified'),
  status: fc.constantFrom('True', 'False', 'Unknown'),
  reason: fc.constantFrom('TokenValid', 'RefreshFailed'),
  message: text,
  observedGeneration: count,
  lastTransitionTime: time,
})

const failure = fc.record(
  {
    code: fc.constantFrom(...failureCodes()),
    message: text,
    at: time,
    retryAfterSeconds: count,
    refusals: count,
    inputs: count.map((number) => number.toString(16)),
  },
  { requiredKeys: ['code', 'message', 'at'] },
)

const publication = fc.constantFrom('2026-11-21T14:31:05Z.1a2b3c4d', '2026-11-21T14:31:06Z.0')

const workload = fc.record(
  {
    kind: fc.constantFrom(...workloadKinds),
    name: fc.constantFrom('agent', 'a.b'),
    publication,
    restartedAt: time,
    waitsFor: fc.constantFrom('RestartInterval', 'WorkloadNotFound'),
  },
  { requiredKeys: ['kind', 'name'] },
)

const consumers: fc.Arbitrary<ConsumersState> = fc.record(
  {
    publication,
    publishedAt: time,
    writtenAt: time,
    annotatedAt: time,
    restarts: fc.array(workload, { minLength: 1, maxLength: 16 }),
    failures: count,
    retryAt: time,
  },
  { requiredKeys: ['publication', 'publishedAt', 'writtenAt'] },
)

const state: fc.Arbitrary<CredentialState> = fc.record(
  {
    observedGeneration: count,
    grant: fc.constantFrom('ClientCredentials' as const, 'StaticToken' as const),
    accessTokenExpiresAt: time,
    lastRefreshAt: time,
    refreshTokenExpiresAt: time,
    refreshTokenExpiryIsFixed: fc.boolean(),
    loginUsedAt: time,
    loginReplacedAt: time,
    refreshes: count,
    consecutiveFailures: count,
    lastFailure: failure,
    handledRefreshRequest: text,
    handledOwnershipRequest: text,
    rotates: fc.boolean(),
    servers: fc.array(fc.record({ origin: text, digest: text, mark: text }), { minLength: 1, maxLength: 8 }),
    seenInStore: text,
    storeVersion: text,
    targetDigest: text,
    targetName: fc.constantFrom('claude-token', 'a.b'),
    formerTargets: fc.uniqueArray(fc.constantFrom('claude', 'old-token', 'x'), { minLength: 1 }),
    consumers,
    conditions: fc.uniqueArray(condition, { selector: ({ type }) => type, maxLength: 4 }),
  },
  { requiredKeys: ['observedGeneration', 'refreshes', 'consecutiveFailures', 'conditions'] },
)

describe('a status', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(state, (written) => {
        const sent: unknown = JSON.parse(JSON.stringify(encodeStatus({ state: written })))
        expect(decodeState(sent)).toEqual(written)
      }),
    )
  })

  test('has no text beside the name of a token, which whoever scans for secrets would report', () => {
    fc.assert(
      fc.property(state, (some) => {
        const members = JSON.stringify(encodeStatus({ state: { ...some, conditions: [] } }))
        expect(members).not.toMatch(/(access|refresh)_?token"\s*:\s*"/i)
      }),
    )
  })

  test('is always one that the schema accepts', () => {
    fc.assert(
      fc.property(
        state,
        fc.double({ noNaN: true }),
        fc.string({ unit: 'binary', minLength: 250, maxLength: 600 }),
        (some, when, long) => {
          const at = epochSeconds(when)
          const report = {
            state: {
              ...some,
              accessTokenExpiresAt: at,
              handledRefreshRequest: long,
              handledOwnershipRequest: long,
              storeVersion: long,
              lastFailure: { code: 'SPEC_INVALID', message: long.repeat(10), at, retryAfterSeconds: 0.5, inputs: long },
            },
            nextRefreshAt: at,
          } as const
          expect(oauthCredentialStatus.safeParse(encodeStatus(report)).error).toBeUndefined()
        },
      ),
    )
  })

  test('holds whole seconds, rounded so that nothing is told later than it is and nobody is asked too early', () => {
    const report = {
      state: {
        ...noState,
        accessTokenExpiresAt: epochSeconds(1_763_632_800.9),
        lastFailure: {
          code: 'STORE_THROTTLED',
          message: 'Later.',
          at: epochSeconds(1_763_632_800.1),
          retryAfterSeconds: 1.2,
        },
      },
      nextRefreshAt: epochSeconds(1_763_632_860),
    } as const
    expect(encodeStatus(report)).toEqual({
      observedGeneration: 0,
      refreshes: 0,
      consecutiveFailures: 0,
      conditions: [],
      accessTokenExpirationTime: '2025-11-20T10:00:00Z',
      nextRefreshTime: '2025-11-20T10:01:00Z',
      lastFailure: { code: 'STORE_THROTTLED', message: 'Later.', time: '2025-11-20T10:00:00Z', retryAfterSeconds: 2 },
    })
  })

  test.each([true, false])('says of an answer whether it rotated: %s', (rotates) => {
    expect(encodeStatus({ state: { ...noState, rotates } })).toMatchObject({ refreshTokenRotates: rotates })
    expect(encodeStatus({ state: noState })).not.toHaveProperty('refreshTokenRotates')
  })

  test('has no time before 1970 and none after 9999', () => {
    const atEnds = { ...noState, lastRefreshAt: epochSeconds(-5), accessTokenExpiresAt: epochSeconds(1e18) }
    expect(encodeStatus({ state: atEnds })).toMatchObject({
      lastRefreshTime: '1970-01-01T00:00:00Z',
      accessTokenExpirationTime: '9999-12-31T23:59:59Z',
    })
  })

  test('that somebody forged or broke is never an error', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true, withSparseArray: true }), (forged) => {
        const members = Object.keys(encodeStatus({ state: noState }))
        expect(() => decodeState(forged)).not.toThrow()
        expect(() => decodeState(Object.fromEntries(members.map((name) => [name, forged])))).not.toThrow()
        expect(() => decodeState({ lastFailure: forged, conditions: [forged] })).not.toThrow()
      }),
    )
  })

  test.each<[string, unknown]>([
    ['no object', 'Ready'],
    ['null', null],
    ['a negative count', { refreshes: -1, observedGeneration: -1 }],
    ['a count that no double holds', { consecutiveFailures: 1e300 }],
    ['a count as a text', { refreshes: '5' }],
    ['a time without zone', { accessTokenExpirationTime: '2026-11-20T10:00:00' }],
    ['a time in words', { lastRefreshTime: 'Nov 20 2026' }],
    ['a day that does not exist', { lastRefreshTime: '2026-11-32T10:00:00Z' }],
    ['a time as a number', { refreshTokenExpirationTime: 1_763_632_800 }],
    ['a failure of an unknown code', { lastFailure: { code: 'NONE', message: '', time: '2026-11-20T10:00:00Z' } }],
    ['a failure without time', { lastFailure: { code: 'SPEC_INVALID', message: '' } }],
    ['a request that is no text', { lastHandledRefreshRequest: 5, lastHandledOwnershipRequest: {} }],
    ['a rotation that is no boolean', { refreshTokenRotates: 'true' }],
    ['a server without its token', { authorizationServers: [{ origin: 'https://a.example', digest: '0a1b2c3d' }] }],
    ['conditions that are no list', { conditions: {} }],
    ['a condition of another type', { conditions: [{ ...readyCondition(), type: 'Synced' }] }],
    ['a condition of another status', { conditions: [{ ...readyCondition(), status: true }] }],
    ['a condition without time', { conditions: [{ ...readyCondition(), lastTransitionTime: 'soon' }] }],
  ])('with %s counts as if that were not there', (_, status) => {
    expect(decodeState(status)).toEqual(noState)
  })

  test('with a condition twice has the first', () => {
    const twice = [readyCondition(), { ...readyCondition(), status: 'False' }]
    expect(decodeState({ conditions: twice }).conditions).toEqual([
      {
        type: 'Ready',
        status: 'True',
        reason: 'TokenValid',
        message: '',
        observedGeneration: 1,
        lastTransitionTime: 1_763_632_800,
      },
    ])
  })

  test.each<[string, number]>([
    ['2025-11-20T10:00:00Z', 1_763_632_800],
    ['2025-11-20t10:00:00z', 1_763_632_800],
    ['2025-11-20T11:30:00+01:30', 1_763_632_800],
    ['2025-11-20T10:00:00.250Z', 1_763_632_800.25],
  ])('may have a time written as %s', (written, expected) => {
    expect(decodeState({ accessTokenExpirationTime: written }).accessTokenExpiresAt).toBe(expected)
  })
})

function readyCondition() {
  return {
    type: 'Ready',
    status: 'True',
    reason: 'TokenValid',
    message: '',
    observedGeneration: 1,
    lastTransitionTime: '2025-11-20T10:00:00Z',
  }
}
