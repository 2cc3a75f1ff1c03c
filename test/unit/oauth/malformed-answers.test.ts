import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { HttpTokenEndpoint } from '../../../src/adapters/oauth/http-token-endpoint.ts'
import { failureRegistry } from '../../../src/domain/failure-registry.ts'
import type { FailureCode } from '../../../src/domain/failures.ts'
import { readTokenAnswer } from '../../../src/domain/token-answer.ts'
import type { Sensitive } from '../../../src/domain/sensitive.ts'
import { aProvider, noon } from '../../support/builders.ts'
import { observeOutput } from '../../support/canary.ts'
import { anEndpoint, aRequest, go } from './endpoint-bench.ts'
import { quickAnswers, slowAnswers } from './malformed-answers.ts'
import type { Malformed } from './malformed-message.ts'
import { startMalformedServer } from './malformed-server.ts'

/** As many as a machine with two cores keeps busy. */
const atOnce = 64

interface Outcome {
  readonly code: FailureCode | 'issued'
  readonly refreshToken: string | undefined
  readonly tookMs: number
}

/** What an operator makes of the answer. */
async function outcomeOf(endpoint: HttpTokenEndpoint, tokenEndpoint: string): Promise<Outcome> {
  const begun = performance.now()
  const exchange = await endpoint.request(aRequest({ tokenEndpoint }, { refreshToken: 'presented' }), go)
  const tookMs = performance.now() - begun
  if (exchange.kind !== 'answered') {
    observeOutput('failure', exchange.failure.message)
    return { code: exchange.failure.code, refreshToken: undefined, tookMs }
  }
  const context = { provider: aProvider(), startedAt: noon, scopes: [] }
  const reading = readTokenAnswer(exchange.answer, context)
  if (reading.kind === 'issued') return { code: 'issued', refreshToken: revealed(reading.tokens.refreshToken), tookMs }
  observeOutput('failure', reading.failure.message)
  return { code: reading.failure.code, refreshToken: revealed(reading.refreshToken), tookMs }
}

function revealed(token: Sensitive | undefined): string | undefined {
  return token?.reveal()
}

async function outcomesOf(cases: readonly Malformed[], responseTimeoutMs: number): Promise<readonly Outcome[]> {
  const server = await startMalformedServer(cases)
  onTestFinished(async () => server.close())
  const endpoint = anEndpoint({ responseTimeoutMs })
  const outcomes: Outcome[] = []
  let next = 0
  const work = async (): Promise<void> => {
    for (let index = next++; index < cases.length; index = next++) {
      outcomes[index] = await outcomeOf(endpoint, server.urlOf(index))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return outcomes
}

function isKnown(code: string): boolean {
  return code === 'issued' || Object.hasOwn(failureRegistry, code)
}

/** What is wrong with an outcome; undefined when nothing is. */
function problemOf({ what, refreshToken, any }: Malformed, outcome: Outcome | undefined): string | undefined {
  if (outcome === undefined || !isKnown(outcome.code)) return `${what}: not classified`
  if (outcome.code === 'TOKEN_ENDPOINT_UNREACHABLE') return `${what}: taken for never sent`
  if (any === true || outcome.refreshToken === refreshToken) return undefined
  if (outcome.refreshToken === undefined) return `${what}: the refresh token is lost (${outcome.code})`
  return `${what}: another refresh token was taken (${outcome.code})`
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().heapUsed
}

describe('malformed answers over the wire', () => {
  const quick = quickAnswers()

  it('are at least 5000', () => {
    expect(quick.length).toBeGreaterThanOrEqual(5000)
  })

  it('are each classified in time, within bounded memory, and no whole refresh token in them is lost', async () => {
    const before = heapBytes()
    const outcomes = await outcomesOf(quick, 10_000)
    expect(outcomes).toHaveLength(quick.length)
    expect(quick.flatMap((one, index) => problemOf(one, outcomes[index]) ?? [])).toEqual([])
    expect(Math.max(...outcomes.map(({ tookMs }) => tookMs))).toBeLessThan(10_000)
    // The outcomes themselves are less than a mebibyte.
    expect(heapBytes() - before).toBeLessThan(16 * 1024 * 1024)
  }, 60_000)

  it('that never end are given up at the deadline, with what has come', async () => {
    const slow = slowAnswers()
    const outcomes = await outcomesOf(slow, 400)
    expect(slow.flatMap((one, index) => problemOf(one, outcomes[index]) ?? [])).toEqual([])
    for (const { tookMs } of outcomes) expect(tookMs).toBeLessThan(8000)
  })
})
