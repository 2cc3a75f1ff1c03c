import { describe, expect, it } from 'vitest'
import { failure, type FailureCode } from '../../../src/domain/failures.ts'
import { type HostPause, hostPause, hostSign, pauseMs } from '../../../src/domain/host-sign.ts'
import { hostLimits, rampedLimits, rampMs } from '../../../src/domain/host-limits.ts'
import type { Provider } from '../../../src/domain/provider.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import type { TokenExchange } from '../../../src/domain/token-exchange.ts'

function answered(status: number): TokenExchange {
  const body = new Sensitive('')
  return { kind: 'answered', answer: { status, contentType: '', body, complete: true } }
}

function notSent(code: FailureCode): TokenExchange {
  return { kind: 'not-sent', failure: failure(code, 'It was not sent.') }
}

const lost: TokenExchange = { kind: 'lost', failure: failure('TOKEN_RESULT_UNKNOWN', 'No answer came.') }

describe('what a request shows of its host', () => {
  const cases: Readonly<Record<string, readonly [TokenExchange, FailureCode | undefined, string]>> = {
    'tokens: it is up': [answered(200), undefined, 'up'],
    'a refused refresh token: it is up': [answered(400), 'REFRESH_TOKEN_REJECTED', 'up'],
    'a refused client: it is up': [answered(401), 'CLIENT_REJECTED', 'up'],
    'too many requests: it is up': [answered(429), 'TOKEN_ENDPOINT_THROTTLED', 'up'],
    'a page of a proxy: nothing': [answered(200), 'TOKEN_ANSWER_NOT_OAUTH', 'none'],
    'a server error: it is down': [answered(500), 'TOKEN_ENDPOINT_UNAVAILABLE', 'down'],
    'a gateway that reaches nobody: it is down': [answered(502), 'TOKEN_ENDPOINT_UNAVAILABLE', 'down'],
    'no answer: it is down': [lost, 'TOKEN_RESULT_UNKNOWN', 'down'],
    'no connection: it is not reached': [
      notSent('TOKEN_ENDPOINT_UNREACHABLE'),
      'TOKEN_ENDPOINT_UNREACHABLE',
      'unreached',
    ],
    'a client secret that is missing: nothing': [
      notSent('CLIENT_SECRET_UNAVAILABLE'),
      'CLIENT_SECRET_UNAVAILABLE',
      'none',
    ],
    'an intent that could not be written: nothing': [notSent('JOURNAL_UNAVAILABLE'), 'JOURNAL_UNAVAILABLE', 'none'],
  }
  it.each(Object.entries(cases))('%s', (_name, [exchange, code, sign]) => {
    expect(hostSign(exchange, code && failure(code, 'It failed.'))).toBe(sign)
  })
})

describe('the pause that an answer asks for', () => {
  const cases: Readonly<Record<string, readonly [TokenExchange, number | undefined, HostPause | undefined]>> = {
    'status 429 speaks of a client': [answered(429), 7, { scope: 'client', seconds: 7 }],
    'status 429 without a time': [answered(429), undefined, { scope: 'client', seconds: 30 }],
    'status 503 speaks of the server': [answered(503), 7, { scope: 'server', seconds: 7 }],
    'status 503 without a time': [answered(503), undefined, undefined],
    'a login that is throttled alone': [answered(400), 600, undefined],
    'no answer': [lost, undefined, undefined],
  }
  it.each(Object.entries(cases))('%s', (_name, [exchange, asked, pause]) => {
    expect(hostPause(exchange, failure('TOKEN_ENDPOINT_THROTTLED', 'It is too much.', asked))).toEqual(pause)
  })

  it('is never shorter than asked, and a tenth longer at most', () => {
    expect(pauseMs({ scope: 'client', seconds: 60 }, 0)).toBe(60_000)
    expect(pauseMs({ scope: 'client', seconds: 60 }, 0.999)).toBeLessThan(66_000)
  })
})

describe('the limits of a host', () => {
  const of = (kind: Provider['kind'], requestsPerSecond: number, maxConcurrent: number) => ({
    kind,
    limits: { requestsPerSecond, maxConcurrent },
  })
  it('are those of the most generous provider', () => {
    const limits = hostLimits([of('OAuthProvider', 5, 20), of('OAuthProvider', 50, 2)])
    expect(limits).toEqual({ requestsPerSecond: 50, maxConcurrent: 20 })
  })

  it('are those of the cluster where it names the host', () => {
    const limits = hostLimits([of('OAuthProvider', 1000, 1000), of('ClusterOAuthProvider', 5, 2)])
    expect(limits).toEqual({ requestsPerSecond: 5, maxConcurrent: 2 })
  })

  it('let somebody through even if nobody is known to name it', () => {
    expect(hostLimits([])).toEqual({ requestsPerSecond: 1, maxConcurrent: 1 })
  })

  it('grow from a fifth to the whole', () => {
    const whole = { requestsPerSecond: 50, maxConcurrent: 3 }
    expect(rampedLimits(whole, 0)).toEqual({ requestsPerSecond: 10, maxConcurrent: 1 })
    expect(rampedLimits(whole, rampMs / 2)).toEqual({ requestsPerSecond: 30, maxConcurrent: 1 })
    expect(rampedLimits(whole, rampMs)).toEqual(whole)
    expect(rampedLimits(whole, Infinity)).toEqual(whole)
  })
})
