import { expect, test } from 'vitest'
import fc from 'fast-check'
import { applyEdits, type Edit, type JsonNode, liftEdit, parseJsonText } from '../../../src/domain/json-text.ts'
import { findRefreshToken, replaceTokens } from '../../../src/domain/token-document.ts'
import { epochSeconds } from '../../../src/domain/time.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'

const token = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
})
const plainToken = token.filter((text) => !/^[{["]/.test(text))
const indent = fc.constantFrom(undefined, 2, '\t')

/** Members that have nothing to do with tokens, among them names that trip naive code. */
const others = fc.dictionary(
  fc
    .oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', 'toString', 'expires_at'))
    .map((name) => `x${name}`),
  fc.jsonValue({ depthSize: 'small' }),
  { noNullPrototype: false },
)

function issued(refresh: string, access: string): Parameters<typeof replaceTokens>[2] {
  const [issuedAt, expiresAt] = [epochSeconds(1_795_176_000), epochSeconds(1_795_179_600)]
  return {
    refreshToken: new Sensitive(refresh),
    accessToken: { value: new Sensitive(access), tokenType: 'Bearer', issuedAt, expiresAt, scopes: [] },
  }
}

test('around planted tokens every other character stays', () => {
  const property = fc.property(
    others,
    others,
    indent,
    fc.tuple(plainToken, token, plainToken, token),
    (a, b, space, [r1, a1, r2, a2]) => {
      const render = (refresh: string, access: string): string =>
        JSON.stringify({ ...a, set: { ...b, refresh_token: refresh, access_token: access, z: 1 } }, undefined, space)
      const before = new Sensitive(render(r1, a1))
      for (const pointer of [undefined, '/set/refresh_token']) {
        expect(findRefreshToken(before, pointer)).toMatchObject({ ok: true })
        expect(replaceTokens(before, pointer, issued(r2, a2)).reveal()).toBe(render(r2, a2))
      }
    },
  )
  fc.assert(property, { numRuns: 300 })
})

test('the same holds in a text in a text in a text', () => {
  const property = fc.property(others, fc.tuple(plainToken, plainToken), (a, [r1, r2]) => {
    const wrap = (text: string): string => JSON.stringify({ ...a, file: text })
    const render = (refresh: string): string => wrap(wrap(JSON.stringify({ ...a, refresh_token: refresh })))
    const before = new Sensitive(render(r1))
    const after = replaceTokens(before, '/file/file/refresh_token', { refreshToken: new Sensitive(r2) })
    expect(after.reveal()).toBe(render(r2))
  })
  fc.assert(property, { numRuns: 200 })
})

test('no text makes the search throw', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc
      .array(fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', '"refresh_token"', '"a"', '1', 'null', '\\u00'))
      .map((parts) => parts.join('')),
  )
  const pointer = fc.option(fc.oneof(fc.string(), fc.constantFrom('', '/', '/a', '/refresh_token/0')), {
    nil: undefined,
  })
  const property = fc.property(text, pointer, (document, at) => {
    const found = findRefreshToken(new Sensitive(document), at)
    if (found.ok) expect(found.refreshToken.reveal().trim()).not.toBe('')
    else expect(found.detail).not.toBe('')
  })
  fc.assert(property, { numRuns: 2000 })
})

test('the reader of JSON texts agrees with JSON.parse', () => {
  const text = fc.oneof(
    fc.json(),
    fc
      .array(
        fc.constantFrom('{', '}', '[', ']', '"a"', ':', ',', ' ', '1', '-', '0', '.5', 'e9', 'true', 'null', '\u00a0'),
      )
      .map((parts) => parts.join('')),
  )
  const property = fc.property(text, (json) => {
    const node = parseJsonText(json)
    expect(node === undefined ? undefined : valueOf(node)).toEqual(parsedOrUndefined(json))
  })
  fc.assert(property, { numRuns: 2000 })
})

test('an edit of the content of a string is the edit of the text around it', () => {
  const property = fc.property(
    fc.string({ unit: 'binary' }),
    fc.nat(),
    fc.nat(),
    fc.string(),
    (content, from, length, by) => {
      const text = `[${JSON.stringify(content).replaceAll('a', String.raw`\u0061`)}]`
      const [start, end] = [Math.min(from, content.length), Math.min(from + length, content.length)]
      const edit: Edit = { start, end, text: by }
      const root = parseJsonText(text)
      const holder = root?.kind === 'array' ? root.items[0] : undefined
      if (holder?.kind !== 'string') throw new Error('the text is an array of one string')
      expect(JSON.parse(applyEdits(text, [liftEdit(text, holder, edit)]))).toEqual([applyEdits(content, [edit])])
    },
  )
  fc.assert(property, { numRuns: 500 })
})

function parsedOrUndefined(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

function valueOf(node: JsonNode): unknown {
  switch (node.kind) {
    case 'object': {
      const object: Record<string, unknown> = {}
      for (const { name, value } of node.members) {
        Object.defineProperty(object, name, {
          value: valueOf(value),
          enumerable: true,
          configurable: true,
          writable: true,
        })
      }
      return object
    }
    case 'array':
      return node.items.map(valueOf)
    case 'string':
      return node.value
    case 'number':
      return Number(node.text)
    case 'literal':
      return JSON.parse(node.text) as unknown
  }
}
