import { expect, test } from 'vitest'
import { decodeTokens, encodeTokens } from '../../../src/api/retained-tokens.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { readTokenAnswer } from '../../../src/domain/token-answer.ts'
import type { IssuedTokens } from '../../../src/domain/tokens.ts'
import { aProvider, noon } from '../../support/builders.ts'
import { canary } from '../../support/canary.ts'

const accessToken = canary('at')

function tokensOf(members: object): IssuedTokens {
  const body = new Sensitive(JSON.stringify({ access_token: accessToken, ...members }))
  const answer = { status: 200, contentType: 'application/json', body, complete: true }
  const provider = aProvider({ accessTokenLifetimeSeconds: 600 })
  const reading = readTokenAnswer(answer, { provider, startedAt: noon, scopes: [] })
  if (reading.kind === 'refused') throw new Error(reading.failure.message)
  return reading.tokens
}

test.each<[string, object, number, true | undefined]>([
  ['is assumed when the answer says nothing', {}, 600, true],
  ['is assumed when the answer says nothing that is a number', { expires_in: 'soon' }, 600, true],
  ['is what the answer says', { expires_in: 60 }, 60, undefined],
  ['is what the answer says, also when that is as assumed', { expires_in: 600 }, 600, undefined],
])('the lifetime of an access token %s', (_, members, lifetime, assumed) => {
  const { expiresAt, lifetimeAssumed } = tokensOf(members).accessToken
  expect(expiresAt - noon).toBe(lifetime)
  expect(lifetimeAssumed).toBe(assumed)
})

test('tokens of a record can be read, whether or not their lifetime was assumed', () => {
  for (const members of [{}, { expires_in: 600 }]) {
    const encoded = encodeTokens(tokensOf(members), (value) => value.reveal()).reveal()
    const decoded = decodeTokens(JSON.parse(JSON.stringify(encoded)))
    expect(decoded?.accessToken?.expiresAt).toBe(noon + 600)
    expect(decoded?.accessToken).not.toHaveProperty('lifetimeAssumed')
  }
})

test('tokens of a record can be read, also those of which this process knows who issued them', () => {
  const tokens = tokensOf({ expires_in: 600 })
  const marked = { ...tokens, accessToken: { ...tokens.accessToken, mark: 'https://login.example.com 1.2.3' } }
  const encoded = encodeTokens(marked, (value) => value.reveal()).reveal()
  const decoded = decodeTokens(JSON.parse(JSON.stringify(encoded)))
  expect(decoded?.accessToken?.expiresAt).toBe(noon + 600)
  expect(decoded?.accessToken).not.toHaveProperty('mark')
})
