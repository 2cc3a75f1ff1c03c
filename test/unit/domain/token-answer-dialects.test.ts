import { describe, expect, it, test } from 'vitest'
import { readTokenAnswer } from '../../../src/domain/token-answer.ts'
import { aProvider, noon } from '../../support/builders.ts'
import { observeOutput } from '../../support/canary.ts'
import { accessToken, type Issue } from './token-answer-dialect.ts'
import { dialects } from './token-answer-dialects.ts'
import { anAnswer, type Refusal } from './token-answer-fixtures.ts'

const context = { provider: aProvider(), startedAt: noon, scopes: [] }

/** Notations and servers of one's own are dialects, too, but no providers. */
const noProviders = new Set(['camel case', 'Spring Authorization Server'])

const issues = Object.entries(dialects).flatMap(([provider, dialect]) =>
  Object.entries(dialect.issues).map(([what, issue]): [string, Issue] => [`${provider}: ${what}`, issue]),
)
const refusals = Object.entries(dialects).flatMap(([provider, { refuses }]) =>
  Object.entries(refuses).map(([what, refusal]): [string, Refusal] => [`${provider}: ${what}`, refusal]),
)

/** Text that servers write for people. */
function wordsOf(body: unknown): readonly string[] {
  return JSON.stringify(body).match(/(?<=_description":"|message":"|msg":"|reason":")[^"]+/g) ?? []
}

describe('the dialects', () => {
  it('are those of at least 25 providers, each with an answer that brings tokens and one that does not', () => {
    const providers = Object.entries(dialects).filter(([name]) => !noProviders.has(name))
    expect(providers.length).toBeGreaterThanOrEqual(25)
    for (const [name, dialect] of providers) {
      expect(Object.keys(dialect.issues).length, `issues of ${name}`).toBeGreaterThanOrEqual(1)
      expect(Object.keys(dialect.refuses).length, `refusals of ${name}`).toBeGreaterThanOrEqual(1)
    }
  })

  test.each(issues)('issue %s', (_name, { wire, refreshToken, lifetime, refreshTokenLifetime, scopes = [] }) => {
    const reading = readTokenAnswer(anAnswer(wire), context)
    if (reading.kind === 'refused') throw new Error(reading.failure.message)
    const { tokens } = reading
    expect({
      accessToken: tokens.accessToken.value.reveal(),
      refreshToken: tokens.refreshToken?.reveal(),
      lifetime: tokens.accessToken.expiresAt - noon,
      refreshTokenExpiresAt: tokens.refreshTokenExpiresAt,
      scopes: tokens.accessToken.scopes,
    }).toEqual({
      accessToken,
      refreshToken,
      lifetime,
      refreshTokenExpiresAt: refreshTokenLifetime === undefined ? undefined : noon + refreshTokenLifetime,
      scopes,
    })
  })

  test.each(refusals)('refuse %s', (_name, { wire, code, says, retryAfterSeconds }) => {
    const reading = readTokenAnswer(anAnswer(wire), context)
    if (reading.kind === 'issued') throw new Error('the answer was taken for an issue of tokens')
    const { failure } = reading
    observeOutput('failure', JSON.stringify(failure))
    expect(failure.code).toBe(code)
    expect(failure.message).toContain(says)
    expect(failure.retryAfterSeconds).toBe(retryAfterSeconds)
    expect(reading).not.toHaveProperty('refreshToken')
    for (const words of wordsOf(wire.body)) expect(failure.message).not.toContain(words)
  })
})
