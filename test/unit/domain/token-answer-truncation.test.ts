import { describe, expect, test } from 'vitest'
import { readTokenAnswer } from '../../../src/domain/token-answer.ts'
import { aProvider, noon } from '../../support/builders.ts'
import { canary, observeOutput } from '../../support/canary.ts'
import type { Issue } from './token-answer-dialect.ts'
import { dialects } from './token-answer-dialects.ts'
import { anAnswer } from './token-answer-fixtures.ts'

const context = { provider: aProvider(), startedAt: noon, scopes: [] }
const at = canary('at')
const rt = canary('rt')

interface Shape {
  readonly body: string
  /** What stands directly behind a refresh token that is whole. */
  readonly rt?: string
  readonly closing?: string
}

const idToken = `eyJhbGciOiJSUzI1NiJ9.${Buffer.from('{"sub":"ä"}').toString('base64url')}.${canary('secret')}`

/** Bodies as real servers send them, by where they put the refresh token. */
const shapes: Readonly<Record<string, Shape>> = {
  'RFC 6749 §5.1': {
    body: JSON.stringify({ access_token: at, token_type: 'Bearer', expires_in: 3600, refresh_token: rt, scope: 'a b' }),
  },
  'refresh token first': { body: JSON.stringify({ refresh_token: rt, access_token: at, expires_in: '3600' }) },
  'refresh token last, pretty-printed': {
    body: JSON.stringify({ token_type: 'Bearer', access_token: at, refresh_token: rt }, null, 2),
  },
  'OpenID Connect with an ID token between': {
    body: JSON.stringify({ access_token: at, id_token: idToken, refresh_token: rt, expires_in: 3600 }),
  },
  'Slack, wrapped': {
    body: JSON.stringify({
      ok: true,
      app_id: 'A1',
      authed_user: { id: 'U1', access_token: at, refresh_token: rt, expires_in: 43_200 },
      team: { id: 'T1' },
    }),
  },
  'GitHub, form-encoded': {
    body: `access_token=${at}&expires_in=28800&refresh_token=${rt}&refresh_token_expires_in=15811200&token_type=bearer`,
    closing: '&',
  },
  'every character escaped': {
    body: `{"access_token":"${at}","refresh_token":"${rt
      .split('')
      .map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('')}","x":1}`,
  },
  'quotes and backslashes inside': {
    body: JSON.stringify({ access_token: at, refresh_token: `${rt}"\\`, expires_in: 1 }),
    rt: `${rt}"\\`,
  },
}

/** Where in the body the refresh token has arrived whole. */
function wholeFrom({ body, closing = '"' }: Shape): number {
  const value = body.indexOf('refresh_token') + 'refresh_token'.length
  if (closing === '&') return body.indexOf('&', value) + 1
  const opening = body.indexOf('"', body.indexOf(':', value))
  const end = /^"(?:[^"\\]|\\.)*"/.exec(body.slice(opening))
  return opening + (end?.[0].length ?? 0)
}

describe('an answer that stops after any of its bytes', () => {
  test.each(Object.entries(shapes))('%s: a whole refresh token is kept, a part of one never', (_name, shape) => {
    const whole = wholeFrom(shape)
    const bytes = Buffer.from(shape.body)
    for (let length = 0; length < bytes.length; length++) {
      const body = bytes.subarray(0, length).toString('utf8')
      const reading = readTokenAnswer(anAnswer({ body, complete: false }), context)
      if (reading.kind === 'issued') throw new Error(`taken for whole after ${length} of ${bytes.length} bytes`)
      observeOutput('failure', JSON.stringify(reading.failure))
      expect(reading.failure.code).toBe('TOKEN_RESULT_UNKNOWN')
      const expected = Buffer.byteLength(shape.body.slice(0, whole)) <= length ? (shape.rt ?? rt) : undefined
      expect(reading.refreshToken?.reveal(), `after ${length} bytes`).toBe(expected)
    }
  })

  test.each(Object.entries(shapes))('%s: whole, it issues the tokens', (_name, shape) => {
    const reading = readTokenAnswer(anAnswer({ body: shape.body }), context)
    expect(reading.kind === 'issued' && reading.tokens.refreshToken?.reveal()).toBe(shape.rt ?? rt)
  })

  const ofProviders = Object.entries(dialects).flatMap(([provider, { issues }]) =>
    Object.entries(issues).map(([what, issue]): [string, Issue] => [`${provider}: ${what}`, issue]),
  )
  test.each(ofProviders)('%s: what is read of it is whole', (_name, { wire, refreshToken }) => {
    const { body } = anAnswer(wire)
    const bytes = Buffer.from(body.reveal())
    let wasThere = false
    for (let length = 0; length < bytes.length; length++) {
      const cut = anAnswer({ body: bytes.subarray(0, length).toString('utf8'), complete: false })
      const reading = readTokenAnswer(cut, context)
      if (reading.kind === 'issued') throw new Error(`taken for whole after ${length} of ${bytes.length} bytes`)
      expect(reading.failure.code).toBe('TOKEN_RESULT_UNKNOWN')
      const found = reading.refreshToken?.reveal()
      expect(found, `after ${length} bytes`).toBe(wasThere ? refreshToken : found && refreshToken)
      wasThere ||= found !== undefined
    }
    expect(wasThere).toBe(refreshToken !== undefined)
  })

  test('an error that is cut never yields the token that it echoes', () => {
    const body = JSON.stringify({ error: 'invalid_grant', refresh_token: rt, error_description: 'gone' })
    for (let length = 0; length <= body.length; length++) {
      const answer = anAnswer({ status: 400, body: body.slice(0, length), complete: length === body.length })
      expect(readTokenAnswer(answer, context)).not.toHaveProperty('refreshToken')
    }
  })
})
