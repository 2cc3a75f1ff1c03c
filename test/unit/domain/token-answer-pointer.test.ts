import { describe, expect, test } from 'vitest'
import { isJsonObject, readLenientJson } from '../../../src/domain/token-answer-json.ts'
import { holderAt, valueAt } from '../../../src/domain/token-answer-pointer.ts'

const text = '{"":0,"a/b":1,"m~n":2," ":3,"list":[{"x":"in"},[4]],"deep":{"er":{"est":"found"}},"null":null}'
const { value } = readLenientJson(text)
if (!isJsonObject(value)) throw new Error('the fixture is no object')
const members = value

describe('valueAt (RFC 6901)', () => {
  const table: Readonly<Record<string, unknown>> = {
    '/': 0,
    '/a~1b': 1,
    '/m~0n': 2,
    '/ ': 3,
    '/list/0/x': 'in',
    '/list/1/0': 4,
    '/deep/er/est': 'found',
    '/null': null,
    '/list/2': undefined,
    '/list/00': undefined,
    '/list/-': undefined,
    '/list/length': undefined,
    '/deep/er/est/x': undefined,
    '/nothing': undefined,
    '/__proto__': undefined,
    '/constructor/name': undefined,
    deep: undefined,
    'x/deep': undefined,
  }
  test.each(Object.entries(table))('%s', (pointer, expected) => {
    expect(valueAt(members, pointer)).toEqual(expected)
  })

  test('the empty pointer is the whole', () => {
    expect(valueAt(members, '')).toBe(members)
  })
})

describe('holderAt', () => {
  test('is the object around what the pointer leads to', () => {
    expect(holderAt(members, '/deep/er/est')).toBe(valueAt(members, '/deep/er'))
    expect(holderAt(members, '/deep')).toBe(members)
  })

  test('is nothing inside an array or a text', () => {
    expect(holderAt(members, '/list/0')).toBeUndefined()
    expect(holderAt(members, '/deep/er/est/x')).toBeUndefined()
  })
})
