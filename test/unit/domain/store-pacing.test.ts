import { describe, expect, it } from 'vitest'
import type { Observed } from '../../../src/domain/observed.ts'
import { newRecord } from '../../../src/domain/refresh-record.ts'
import { storeWriteDueAt, writeBudgetProblem } from '../../../src/domain/store-pacing.ts'
import type { StoreBackend } from '../../../src/domain/token-store.ts'
import {
  aCredential,
  anObservation,
  aProvider,
  aRefreshPolicy,
  aStore,
  inSeconds,
  noon,
  refreshedState,
} from '../../support/builders.ts'
import { observeOutput } from '../../support/canary.ts'

const { uid, key } = aCredential()

function aws(minimumWriteIntervalSeconds: number): StoreBackend {
  return { type: 'awsSecretsManager', minimumWriteIntervalSeconds }
}

const dues: Record<string, [backend: StoreBackend, writtenAgo: number | undefined, expected: number | undefined]> = {
  'never written: at once': [aws(900), undefined, undefined],
  'just written: after the interval': [aws(900), 0, 900],
  'a second before the interval is over': [aws(900), 899, 1],
  'when the interval is over: at once': [aws(900), 900, undefined],
  'written in the future, by a clock that went back: at once': [aws(900), -60, undefined],
  'without an interval: at once': [aws(0), 0, undefined],
  'a store that bears every write: at once': [{ type: 'kubernetes' }, 0, undefined],
}

describe('a store is written', () => {
  it.each(Object.entries(dues))('%s', (_name, [backend, writtenAgo, expected]) => {
    const written = writtenAgo === undefined ? {} : { storeWrittenAt: inSeconds(-writtenAgo) }
    const due = storeWriteDueAt({}, aStore({ backend }), { ...newRecord(uid, key), ...written }, noon)
    expect(due === undefined ? undefined : due - noon).toBe(expected)
  })

  it('in turns, when it has several refresh tokens', () => {
    const record = { ...newRecord(uid, key), storeWrittenAt: noon }
    const due = storeWriteDueAt({ documentTokens: 3 }, aStore({ backend: aws(900) }), record, noon)
    expect(due).toBe(inSeconds(2700))
  })

  it('at once while nothing is known of its record', () => {
    expect(storeWriteDueAt({}, aStore({ backend: aws(900) }), undefined, noon)).toBeUndefined()
  })
})

const unpublished = { state: aCredential().state }

const budgets: Record<string, [backend: StoreBackend, observed: Partial<Observed>, writes: number | undefined]> = {
  'tokens of an hour': [aws(0), { state: refreshedState(0, 3600) }, undefined],
  'tokens of five minutes at an interval of fifteen': [aws(900), { state: refreshedState(0, 300) }, undefined],
  'tokens of five minutes at no interval': [aws(0), { state: refreshedState(0, 300) }, 600],
  'a write in 864 s': [aws(864), { state: refreshedState(0, 300) }, undefined],
  'a write in 863 s': [aws(863), { state: refreshedState(0, 300) }, 101],
  'nothing published yet: as the provider says': [aws(0), unpublished, undefined],
  'tokens that are kept alive every five minutes': [
    aws(0),
    { credential: aCredential({ spec: { refresh: aRefreshPolicy({ keepAliveSeconds: 300 }) } }) },
    289,
  ],
  'a store that bears every write': [{ type: 'kubernetes' }, { state: refreshedState(0, 60) }, undefined],
}

describe('a store of a hundred versions bears', () => {
  it.each(Object.entries(budgets))('%s', (_name, [backend, changes, writes]) => {
    const problem = writeBudgetProblem(anObservation(changes), aProvider(), aStore({ backend }))
    if (problem !== undefined) observeOutput('message of a failure', problem.message)
    const told = /= (\d+) writes a day/.exec(problem?.message ?? '')?.[1]
    if (writes === undefined) expect(problem).toBeUndefined()
    else expect(Number(told)).toBeGreaterThanOrEqual(writes)
    if (writes !== undefined) expect(Number(told)).toBeLessThan(writes * 1.3)
  })

  it('what several refresh tokens of one document use together', () => {
    const hourly = { state: refreshedState(0, 3600) }
    const store = aStore({ backend: aws(0) })
    expect(writeBudgetProblem(anObservation(hourly), aProvider(), store)).toBeUndefined()
    const { message } = writeBudgetProblem(anObservation({ ...hourly, documentTokens: 4 }), aProvider(), store) ?? {}
    expect(message).toMatch(/^The 4 refresh tokens of the document are each used every \d+ s and /)
    const paced = aStore({ backend: aws(900) })
    expect(writeBudgetProblem(anObservation({ ...hourly, documentTokens: 4 }), aProvider(), paced)).toBeUndefined()
  })

  it('what is too much, and the message does the sum', () => {
    const observed = anObservation({ state: refreshedState(0, 300) })
    const store = aStore({ backend: aws(60) })
    const { code, message } = writeBudgetProblem(observed, aProvider(), store) ?? expect.fail('it fits')
    expect(code).toBe('STORE_WRITE_BUDGET_EXCEEDED')
    const [, refresh, interval, writes] =
      /every (\d+) s and .* every 60 s: 86400 \/ (\d+) = (\d+) writes/.exec(message) ?? []
    expect(interval).toBe(refresh)
    expect(Math.abs(86_400 / Number(interval) - Number(writes))).toBeLessThan(4)
    expect(message).toContain('the document "teams/ci/claude"')
    expect(message).toContain('AWS Secrets Manager takes 100, one in 864 s.')
  })

  it('what a provider says before the first token came', () => {
    const provider = aProvider({ accessTokenLifetimeSeconds: 300 })
    expect(writeBudgetProblem(anObservation(unpublished), provider, aStore({ backend: aws(0) }))).toBeDefined()
  })
})
