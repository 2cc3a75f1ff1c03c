import { describe, expect, test } from 'vitest'
import { advance } from '../../../src/domain/advance.ts'
import type { Failure } from '../../../src/domain/failures.ts'
import type { Provider } from '../../../src/domain/provider.ts'
import { isRefusal, probePolicy } from '../../../src/domain/refusals.ts'
import { resendAfter } from '../../../src/domain/resend.ts'
import { firstProgress } from '../../../src/domain/settle.ts'
import type { SendAction, SendOutcome, Step } from '../../../src/domain/step.ts'
import { readTokenAnswer } from '../../../src/domain/token-answer.ts'
import { settlesNothing, type TokenExchange } from '../../../src/domain/token-exchange.ts'
import { anObservation, aProvider, aStoredToken, noon } from '../../support/builders.ts'
import { observeOutput } from '../../support/canary.ts'
import { anEndpoint, aRequest, go, scripted } from './endpoint-bench.ts'
import type { Again, Row, Scene } from './outcome-row.ts'
import { outcomeTable } from './outcome-table.ts'

/** The request as it is made, against a server that does what the scene says. */
async function exchangeOf({ server, provider, endpoint, address, beforeSend = go }: Scene): Promise<TokenExchange> {
  const { url } = await scripted(server ?? { script: () => undefined })
  const request = aRequest({ ...provider, tokenEndpoint: address?.(url) ?? url })
  return anEndpoint({ responseTimeoutMs: 5000, ...endpoint }).request(request, beforeSend)
}

function sentOf(exchange: TokenExchange, provider: Provider, sends: number): SendOutcome {
  if (exchange.kind === 'not-sent') return exchange
  if (exchange.kind === 'lost') return { kind: 'unknown', failure: exchange.failure, sends }
  const reading = readTokenAnswer(exchange.answer, { provider, startedAt: noon, scopes: [] })
  if (reading.kind === 'refused' && settlesNothing(reading)) return { kind: 'unknown', failure: reading.failure, sends }
  return { kind: 'answered', reading, sends, startedAt: noon }
}

/** What the engine does next. */
function nextStep(provider: Provider, sent: SendOutcome): Step {
  const observed = anObservation({ provider: { kind: 'found', value: provider } })
  const action: SendAction = { kind: 'send-refresh-token', base: aStoredToken() }
  // After the first conflict of a reconcile all is read anew, and nothing is told.
  const progress = { ...firstProgress(observed), isBegunAnew: true }
  return advance(observed, { kind: 'act', action, progress }, { kind: 'send-refresh-token', action, sent }, noon)
}

interface Outcome {
  readonly code: string
  readonly next: string
  readonly again: Again
}

function outcomeOf(provider: Provider, sent: SendOutcome): Outcome {
  const step = nextStep(provider, sent)
  if (step.kind === 'act') {
    const { cause } = step.progress
    const again = step.action.kind === 'write-back' ? 'the successor' : 'as before'
    return { code: cause?.code ?? 'issued', next: cause?.next ?? '-', again }
  }
  const { settlement } = step
  if (settlement.kind !== 'retrying' && settlement.kind !== 'stalled') throw new Error(`settled as ${settlement.kind}`)
  observeOutput('failure', JSON.stringify(settlement.failure))
  const { code, next } = settlement.failure
  return { code, next, again: againAfter(settlement.failure, provider, sent) }
}

function againAfter(failure: Failure, provider: Provider, sent: SendOutcome): Again {
  switch (failure.next) {
    case 'retry':
    case 'wait':
      return 'yes'
    case 'uncertain':
      return againAfterLoss(provider, sent)
    case 'stall':
      // To a server that rotates.
      return !isRefusal(failure) || probePolicy(failure, true) !== undefined ? 'after a fix' : 'never'
  }
}

function againAfterLoss(provider: Provider, sent: SendOutcome): Again {
  const sends = sent.kind === 'not-sent' ? 0 : sent.sends
  const words = { 'at-once': 'once more', 'within-leeway': 'within the leeway', 'near-end': 'near the end' } as const
  return words[resendAfter(provider, { sends, startedAt: noon }, noon).kind]
}

describe.each(Object.entries(outcomeTable))('%s', (_part, rows: readonly Row[]) => {
  test.each(rows.map((row) => [row[0], row] as const))('%s', async (_what, [, scene, code, next, again]) => {
    const provider = aProvider(scene.provider)
    const sent = sentOf(await exchangeOf(scene), provider, 1 + (scene.earlierSends ?? 0))
    expect(outcomeOf(provider, sent)).toEqual({ code, next, again })
  })
})

test('no row says the same as another one', () => {
  const names = Object.entries(outcomeTable).flatMap(([part, rows]) => rows.map(([what]) => `${part}: ${what}`))
  expect(new Set(names).size).toBe(names.length)
  expect(names.length).toBeGreaterThan(120)
})
