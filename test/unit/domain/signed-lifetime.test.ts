import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { signedLifetime } from '../../../src/domain/signed-lifetime.ts'
import { inSeconds, noon } from '../../support/builders.ts'
import { watchForLeak } from '../../support/canary.ts'

function jwt(claims: unknown): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return watchForLeak(`${part({ alg: 'none' })}.${part(claims)}.c2lnbmF0dXJl`)
}

const table: Record<string, [token: string, lifetime: number | undefined]> = {
  'from exp': [jwt({ exp: inSeconds(3600) }), 3600],
  'no longer than from iat on, when clocks differ': [jwt({ iat: noon + 7000, exp: inSeconds(10_600) }), 3600],
  'no longer than until exp, when it was issued before': [jwt({ iat: noon - 3000, exp: inSeconds(600) }), 600],
  'with text beside it that is not ASCII': [jwt({ name: 'Zoë 株式会社', exp: inSeconds(3600) }), 3600],
  'a day at most': [jwt({ exp: inSeconds(365 * 86_400) }), 86_400],
  'without exp not at all': [jwt({ iat: noon }), undefined],
  'over by this clock not at all': [jwt({ exp: noon }), undefined],
  'with an exp that is no number not at all': [jwt({ exp: '9999999999' }), undefined],
  'of a list not at all': [jwt([1]), undefined],
  'of null not at all': [jwt(null), undefined],
  'with an inherited exp not at all': [jwt(JSON.parse('{"__proto__": {"exp": 9999999999}}')), undefined],
  'of three parts that are no JWT not at all': [watchForLeak('part-one.part-two.part-three'), undefined],
  'of an opaque token not at all': [watchForLeak('opaque-token-0123456789'), undefined],
  'larger than any access token not at all': [jwt({ exp: inSeconds(60), fill: 'x'.repeat(70_000) }), undefined],
}

describe('the life of an access token by what it says of itself', () => {
  it.each(Object.entries(table))('%s', (_, [token, lifetime]) => {
    expect(signedLifetime(token, noon)).toBe(lifetime)
  })

  it('is never more than a day, nor less than nothing, and never throws', () => {
    const time = fc.double({ noNaN: true, min: -1e15, max: 1e15 })
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.record({ exp: time, iat: time }, { requiredKeys: [] })), (claims) => {
        const text = typeof claims === 'string' ? `a.${claims}.b` : jwt(claims)
        const lifetime = signedLifetime(text, noon) ?? 1
        expect(lifetime).toBeGreaterThan(0)
        expect(lifetime).toBeLessThanOrEqual(86_400)
      }),
    )
  })
})
