import { describe, expect, test } from 'vitest'
import { claimMember, type DocumentClaim } from '../../../src/domain/document-claim.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { type ClaimForm, findClaim, hasRoomForClaim, putClaim } from '../../../src/domain/token-document-claim.ts'
import { readStoredToken } from '../../../src/domain/token-document-stored.ts'
import { findRefreshToken, replaceTokens } from '../../../src/domain/token-document.ts'
import { canary, observeOutput } from '../../support/canary.ts'

const forms: readonly ClaimForm[] = ['object', 'text']

function key(byte: number): string {
  return Buffer.alloc(32, byte).toString('base64')
}

function aClaim(changes: Partial<Record<'owner' | 'ownerName' | 'key', string>> = {}): DocumentClaim {
  const { owner = 'prod/6f1c0a52', ownerName = 'ci/claude of prod' } = changes
  return { owner, ownerName, sealingKey: new Sensitive(changes.key ?? key(1)) }
}

function put(text: string, claim = aClaim(), form: ClaimForm = 'object', property?: string): string {
  return putClaim(new Sensitive(text), property, claim, form).reveal()
}

/** The claim on a token as a plain object; what else is found as words. */
function claimIn(text: string, property?: string): unknown {
  const found = findClaim(new Sensitive(text), property)
  if (!found.ok) return found.detail
  if (found.claim?.kind !== 'claimed') return found.claim?.kind ?? 'no room'
  const { owner, ownerName, sealingKey } = found.claim.claim
  return { owner, ownerName, key: sealingKey.reveal() }
}

function member(fields: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { key: key(1), owners: { '/refresh_token': { id: 'prod/6f1c0a52', name: 'ci/claude of prod' } }, ...fields }
}

const plain = { owner: 'prod/6f1c0a52', ownerName: 'ci/claude of prod', key: key(1) }

describe('a document', () => {
  test.each<[string, string, boolean]>([
    ['that is an object', '{"refresh_token":"x"}', true],
    ['that is an object behind a byte order mark', '\uFEFF{"refresh_token":"x"}', true],
    ['that is a bare token', 'x', false],
    ['that is the text of a string', '"x"', false],
    ['that is a list', '[{"refresh_token":"x"}]', false],
    ['that is cut off', '{"refresh_token":"x"', false],
    ['that is empty', '', false],
  ])('%s has room for a claim: %#', (_, text, room) => {
    expect(hasRoomForClaim(new Sensitive(text))).toBe(room)
    expect(claimIn(text)).toBe(room ? 'free' : 'no room')
    if (!room) expect(() => put(text)).toThrow('no room')
  })

  test.each(forms)('keeps every other character when a claim is put in as %s', (form) => {
    const text = '{ "n": 9007199254740993.10,\n  "refresh_token" : "r\\u002f\\/ü" }\n'
    const edited = put(text, aClaim(), form)
    const at = edited.indexOf(`, "${claimMember}"`)
    expect(edited.slice(0, at)).toBe(text.slice(0, -3))
    expect(edited.slice(-3)).toBe(text.slice(-3))
    expect(claimIn(edited)).toEqual(plain)
    const value = (JSON.parse(edited) as Record<string, unknown>)[claimMember]
    expect(typeof value === 'string' ? JSON.parse(value) : value).toEqual(member())
    expect(typeof value).toBe(form === 'text' ? 'string' : 'object')
  })

  test('that is laid out in lines gets the claim on a line of its own', () => {
    expect(put('{\n  "refresh_token": "x"\n}')).toMatch(/^\{\n {2}"refresh_token": "x",\n {2}"_oauthop":.*\n\}$/)
  })

  test('that has nothing in it takes a claim', () => {
    const owners = { '': { id: 'prod/6f1c0a52', name: 'ci/claude of prod' } }
    expect(JSON.parse(put('{}'))).toEqual({ [claimMember]: member({ owners }) })
  })

  test.each(forms)('has one claim for each of its tokens, and one key for all, as %s', (form) => {
    const odd = '/a~1b/"quoted"'
    let text = put('{"a":{"refresh_token":"x"}}', aClaim(), form)
    text = put(text, aClaim({ owner: 'prod/2', ownerName: 'ci/"two" ü', key: key(2) }), 'object', odd)
    text = put(text, aClaim({ owner: 'prod/3', key: key(3) }), 'text', '/c')
    expect(claimIn(text)).toEqual(plain)
    expect(claimIn(text, odd)).toEqual({ owner: 'prod/2', ownerName: 'ci/"two" ü', key: key(1) })
    expect(claimIn(text, '/c')).toMatchObject({ owner: 'prod/3', key: key(1) })
    expect(claimIn(text, '/d')).toBe('free')
  })

  test.each(forms)('has one owner of a token, by whatever property it is found, as %s', (form) => {
    const ways = [undefined, '/odd~1name', '/odd~1name/refresh_token']
    for (const first of ways) {
      const text = put('{"odd/name":{"access":"a","refresh_token":"x"}}', aClaim(), form, first)
      for (const second of ways) {
        expect(claimIn(text, second)).toEqual(plain)
        const taken = put(text, aClaim({ owner: 'blue/9' }), form, second)
        expect(taken).toBe(text.replace('prod/6f1c0a52', 'blue/9'))
        const mark = { generation: 3, fingerprint: 'f' }
        const written = replaceTokens(new Sensitive(taken), second, { refreshToken: new Sensitive('y'), mark })
        expect(findClaim(written, first)).toMatchObject({ claim: { claim: { owner: 'blue/9', mark } } })
      }
    }
  })

  test('has an owner for each of two tokens that are found by their names', () => {
    const text = put('{"a":{"refresh_token":"x"},"b":{"refresh_token":"y"}}', aClaim(), 'object', '/a')
    expect(claimIn(text, '/a/refresh_token')).toEqual(plain)
    expect(claimIn(text, '/b')).toBe('free')
    expect(claimIn(text, '/b/refresh_token')).toBe('free')
    expect(claimIn(text, '/nothing')).toBe('free')
  })

  test.each(forms)('that is taken over changes its owner and nothing else, as %s', (form) => {
    const before = put(put('{"refresh_token":"x"}', aClaim(), form), aClaim({ owner: 'prod/2' }), form, '/c')
    const after = put(before, aClaim({ owner: 'blue/9', key: key(9) }), form)
    expect(after).toBe(before.replace('prod/6f1c0a52', 'blue/9'))
    expect(claimIn(after)).toEqual({ ...plain, owner: 'blue/9' })
  })

  test('with thousands of claims is read in the time that its length takes', () => {
    const names = Array.from({ length: 8000 }, (_, index) => `/${index}`)
    const owners = Object.fromEntries(names.map((name) => [name, { id: 'i', name: 'n' }]))
    const text = JSON.stringify({ refresh_token: 'x', [claimMember]: member({ owners }) })
    const took = [1, 2, 3].map(() => {
      const startedMs = performance.now()
      expect(claimIn(text)).toBe('free')
      return performance.now() - startedMs
    })
    expect(Math.min(...took)).toBeLessThan(200)
  })

  test('is the same when its owner claims it again', () => {
    const text = put('{"refresh_token":"x"}')
    expect(put(text, aClaim({ key: key(2) }))).toBe(text)
  })

  test('keeps members of the claim that are not known', () => {
    const text = JSON.stringify({ refresh_token: 'x', [claimMember]: member({ since: 2030, owners: {} }) })
    expect(claimIn(text)).toBe('free')
    expect(JSON.parse(put(text))).toEqual({ refresh_token: 'x', [claimMember]: member({ since: 2030 }) })
  })

  const malformed: Readonly<Record<string, unknown>> = {
    'is null': null,
    'is a number': 1,
    'is a list': [],
    'is a string that is no JSON': 'prod',
    'is the text of a list': '[]',
    'is an empty object': {},
    'has no key': member({ key: undefined }),
    'has a key that is no string': member({ key: 1 }),
    'has a key of 31 bytes': member({ key: Buffer.alloc(31).toString('base64') }),
    'has a key in hexadecimal': member({ key: Buffer.alloc(32).toString('hex') }),
    'has no owners': member({ owners: undefined }),
    'has a list of owners': member({ owners: [] }),
    'has an owner that is a string': member({ owners: { '': 'prod' } }),
    'has an owner without an id': member({ owners: { '': { name: 'n' } } }),
    'has an owner without a name': member({ owners: { '': { id: 'i' } } }),
    'has an owner with an empty id': member({ owners: { '': { id: '', name: 'n' } } }),
    'has an owner whose name is two lines': member({ owners: { '': { id: 'i', name: 'n\nn' } } }),
    'has an owner whose name is two lines to some': member({ owners: { '': { id: 'i', name: 'n\u2028n' } } }),
    'has an owner whose name turns its line around': member({ owners: { '': { id: 'i', name: 'n\u202en' } } }),
    'has an owner whose name is a book': member({ owners: { '': { id: 'i', name: 'n'.repeat(513) } } }),
    'has an owner of another token that is malformed': member({ owners: { '/other': {} } }),
  }
  test.each(Object.entries(malformed))('whose member %s is malformed, and stays as it is', (_, value) => {
    const text = JSON.stringify({ refresh_token: canary('rt'), [claimMember]: value })
    expect(claimIn(text)).toContain('"_oauthop"')
    const read = readStoredToken(new Sensitive(text), 'v1', undefined)
    observeOutput('the words about a malformed claim', JSON.stringify(read))
    expect(read).toMatchObject({
      ok: false,
      problem: 'malformed',
      detail: expect.stringContaining('"_oauthop"') as string,
    })
    expect(() => put(text)).toThrow('no room')
  })

  test.each([
    [
      'the member',
      `{"refresh_token":"x","_oauthop":${JSON.stringify(member())},"_oauthop":${JSON.stringify(member())}}`,
    ],
    ['the key', `{"refresh_token":"x","_oauthop":{"key":"${key(1)}","key":"${key(2)}","owners":{}}}`],
    [
      'an owner',
      `{"refresh_token":"x","_oauthop":{"key":"${key(1)}","owners":{"":{"id":"a","name":"a"},"":{"id":"b","name":"b"}}}}`,
    ],
  ])('that has %s twice is malformed', (_, text) => {
    expect(claimIn(text)).toContain('"_oauthop"')
    expect(() => put(text)).toThrow('no room')
  })

  test('a sealing key that is none is a bug', () => {
    expect(() => put('{}', aClaim({ key: 'short' }))).toThrow('32 bytes')
  })
})

describe('the search for a refresh token', () => {
  const hidden = { refresh_token: 'not this one', access: 'a', refresh: 'nor this one' }

  test('does not look into the claim', () => {
    const only = new Sensitive(JSON.stringify({ [claimMember]: hidden }))
    expect(findRefreshToken(only)).toMatchObject({ ok: false, problem: 'malformed' })
    const texts = [hidden, JSON.stringify(hidden)].map((value) =>
      JSON.stringify({ [claimMember]: value, file: { refresh_token: 'x' } }),
    )
    for (const text of texts) {
      const found = findRefreshToken(new Sensitive(text))
      expect(found.ok && found.refreshToken.reveal()).toBe('x')
    }
  })

  test('finds nothing in the claim by a property', () => {
    const document = new Sensitive(JSON.stringify({ [claimMember]: hidden }))
    for (const property of ['/_oauthop', '/_oauthop/refresh_token']) {
      expect(findRefreshToken(document, property)).toEqual({
        ok: false,
        problem: 'missing',
        detail: 'has nothing at /_oauthop',
      })
    }
  })

  test.each(forms)('is followed by a write that keeps the claim, as %s', (form) => {
    const text = put('{"refresh_token":"old","access_token":"a"}', aClaim(), form)
    const next = replaceTokens(new Sensitive(text), undefined, { refreshToken: new Sensitive('new') })
    expect(next.reveal()).toBe(text.replace('"old"', '"new"'))
  })

  test('comes with the claim on the token', () => {
    const document = new Sensitive(put('{"refresh_token":"x"}'))
    const read = readStoredToken(document, 'v1', undefined)
    expect(read.ok && read.stored).toMatchObject({ version: 'v1', document, claim: { kind: 'claimed' } })
    const bare = readStoredToken(new Sensitive('token'), 'v1', undefined)
    expect(bare.ok && Object.keys(bare.stored)).toEqual(['refreshToken', 'version', 'document'])
    expect(readStoredToken(new Sensitive('{}'), 'v1', undefined)).toMatchObject({ ok: false, problem: 'missing' })
  })
})

describe('the mark of a claim', () => {
  const claim: DocumentClaim = {
    owner: 'cluster/uid',
    ownerName: 'OAuthCredential ci/claude',
    sealingKey: new Sensitive(key(1)),
  }
  const mark = { generation: 7, fingerprint: 'a'.repeat(32) }

  test.each(forms)('as %s is written with the token, and everything else stays', (form) => {
    const next = canary('rt')
    const document = putClaim(new Sensitive(`{"refresh_token": "${canary('rt')}", "n": 1e400}`), undefined, claim, form)
    const written = replaceTokens(document, undefined, { refreshToken: new Sensitive(next), mark })
    const found = findClaim(written)
    expect(found).toMatchObject({ ok: true, claim: { kind: 'claimed', claim: { owner: claim.owner, mark } } })
    const token = findRefreshToken(written)
    expect(token.ok && token.refreshToken.reveal()).toBe(next)
    expect(written.reveal()).toContain('"n": 1e400')
  })

  test('belongs to one token of a document, and not to another', () => {
    const both = new Sensitive(`{"a": {"refresh_token": "${canary('rt')}"}, "b": {"refresh_token": "${canary('rt')}"}}`)
    const claimed = putClaim(putClaim(both, '/a', claim, 'object'), '/b', claim, 'object')
    const written = replaceTokens(claimed, '/a', { refreshToken: new Sensitive(canary('rt')), mark })
    expect(findClaim(written, '/a')).toMatchObject({ claim: { claim: { mark } } })
    expect(findClaim(written, '/b')).not.toMatchObject({ claim: { claim: { mark } } })
  })

  test('is not made up in a document without a claim', () => {
    const document = new Sensitive(`{"refresh_token": "${canary('rt')}"}`)
    const written = replaceTokens(document, undefined, { refreshToken: new Sensitive(canary('rt')), mark })
    expect(written.reveal()).not.toContain(claimMember)
  })

  test.each(['"7"', '-1', '1.5', '1e3', 'null'])('with the generation %s is none', (generation) => {
    const claimed = putClaim(
      new Sensitive(`{"refresh_token": "${canary('rt')}"}`),
      undefined,
      { ...claim, mark },
      'object',
    )
    const edited = new Sensitive(claimed.reveal().replace('"generation":7', `"generation":${generation}`))
    const found = findClaim(edited)
    expect(found.ok && found.claim?.kind === 'claimed' && found.claim.claim.mark).toBeUndefined()
  })
})
