import { expect, test } from 'vitest'
import { jwtExpiry } from '../../../src/domain/token-document-jwt.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'

function jwt(payload: unknown): string {
  const parts = [{ alg: 'none' }, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  return [...parts, 'c2ln'].join('.')
}

const table: Readonly<Record<string, readonly [string, number | undefined]>> = {
  'a whole number': [jwt({ sub: 'x', exp: 1_800_000_000 }), 1_800_000_000],
  'a number beside text of other scripts': [jwt({ name: 'Ünïcödé 日本 🗝', exp: 1_800_000_000.5 }), 1_800_000_000.5],
  'a payload of every length': [jwt({ a: 'a', exp: 5 }), 5],
  'a longer payload': [jwt({ a: 'aa', exp: 5 }), 5],
  'a still longer payload': [jwt({ a: 'aaa', exp: 5 }), 5],
  'no claim': [jwt({ sub: 'x' }), undefined],
  'a text': [jwt({ exp: '1800000000' }), undefined],
  'a negative number': [jwt({ exp: -5 }), undefined],
  'a number beyond all times': [jwt({ exp: 1e300 }), undefined],
  'a claim of something inside': [jwt({ inner: { exp: 5 } }), undefined],
  'a payload that is no object': [jwt([1]), undefined],
  'an opaque token': ['sk-ant-oat01-AbCdEf', undefined],
  'an opaque token with dots': ['a.b.c', undefined],
  'an encrypted token': ['a.b.c.d.e', undefined],
}

test.each(Object.entries(table))('%s', (_, [token, expected]) => {
  expect(jwtExpiry(new Sensitive(token))).toBe(expected)
})
