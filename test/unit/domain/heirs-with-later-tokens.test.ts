import { describe, expect, it } from 'vitest'
import { recordedOrigin } from '../../../src/domain/known-server.ts'
import { inherited } from '../../../src/domain/inherited-record.ts'
import {
  armed,
  disarmed,
  newRecord,
  type RefreshIntent,
  type RefreshRecord,
  type RetainedTokens,
} from '../../../src/domain/refresh-record.ts'
import { succeeded } from '../../../src/domain/succession.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { spentLimit } from '../../../src/domain/spent-tokens.ts'
import { later, seconds } from '../../../src/domain/time.ts'
import { aCredential, anAccessToken, noon } from '../../support/builders.ts'
import { canary } from '../../support/canary.ts'

// The one before has begun with a later login, and its newest tokens came before the heir's own.

const { key, spec } = aCredential()
const source = spec.refreshToken

function tokensOf(fingerprint: string, at?: number): RetainedTokens {
  const accessToken = at === undefined ? undefined : { ...anAccessToken(), issuedAt: later(noon, seconds(at)) }
  return {
    fingerprint,
    source,
    tokens: { refreshToken: new Sensitive(canary('rt')), ...(accessToken && { accessToken }) },
  }
}

const intent: RefreshIntent = { fingerprint: 'four', source, startedAt: later(noon, seconds(120)), sends: 1 }
const former: RefreshRecord = {
  ...newRecord('former', key),
  version: 'v9',
  generation: 3,
  spent: ['one', 'two'],
  retained: tokensOf('three', 0),
  intent,
}
const own: RefreshRecord = {
  ...newRecord('heir', key),
  version: 'v1',
  generation: 2,
  spent: ['zero'],
  retained: tokensOf('own', 60),
}

function heirOf(left: RefreshRecord, fingerprint: string, heirs = own): RefreshRecord {
  return inherited(heirs, left, { fingerprint, source, isProven: true, isOwnHere: true })
}

describe('an heir with later tokens', () => {
  it('does not forget that the token of the store is used up, however many tokens it has had', () => {
    const many = Array.from({ length: spentLimit }, (_, index) => `own ${index}`)
    const record = heirOf(former, 'two', { ...own, spent: many })
    expect(record.spent).toContain('two')
  })

  it('gets the answer that came late to its predecessor, after it has taken the intent over itself', () => {
    const first = heirOf(former, 'four')
    // Its own intent stands; the record of the predecessor has changed, so it takes that back: the doubt of before stays.
    const { left: _taken, ...begun } = armed(
      first,
      { ...intent, sends: 2 },
      { origin: 'https://as', generation: 3, stored: 'four' },
    )
    const doubtful = { ...disarmed(begun), intent }
    const answered = succeeded(former, { presented: 'four', retained: tokensOf('five', 130) })
    expect(heirOf(answered, 'four', doubtful).retained?.fingerprint).toBe('five')
  })

  it('goes on with those that were written into the store after its own came', () => {
    const { intent: _none, ...written } = { ...former, storeWrittenAt: later(noon, seconds(100)) }
    expect(heirOf(written, 'two').retained?.fingerprint).toBe('three')
  })

  it('goes on with those of its predecessor where its own were refused', () => {
    const refused = { fingerprint: 'own', code: 'REFRESH_TOKEN_REJECTED' } as const
    expect(heirOf(former, 'two', { ...own, refused }).retained?.fingerprint).toBe('three')
  })

  it('has what its predecessor has begun later behind what it has left itself', () => {
    const mine: RefreshIntent = { ...intent, fingerprint: 'mine', startedAt: later(noon, seconds(61)) }
    const { left = [] } = heirOf(former, 'four', { ...own, left: [mine] })
    expect(left.map(({ fingerprint }) => fingerprint)).toEqual(['mine', 'four'])
  })

  it('counts what its predecessor has begun as used up only after all that it has left itself', () => {
    const mine = [61, 62, 63, 64].map((at) => ({
      ...intent,
      fingerprint: `mine ${at}`,
      startedAt: later(noon, seconds(at)),
    }))
    const record = heirOf(former, 'two', { ...own, left: mine })
    const next = armed(
      record,
      { ...intent, fingerprint: 'own' },
      { origin: 'https://as', generation: 3, stored: 'two' },
    )
    expect(next.spent).not.toContain('four')
  })

  it('does not forget what the store shows where nothing tells whose tokens were later', () => {
    const many = Array.from({ length: spentLimit }, (_, index) => `own ${index}`)
    const { intent: _none, ...left } = { ...former, retained: tokensOf('three') }
    const record = heirOf(left, 'two', { ...own, retained: tokensOf('own'), spent: many })
    expect(record.spent).toContain('two')
  })

  it('keeps those of its predecessor where the store shows them, whatever that has begun with', () => {
    expect(heirOf(former, 'three').retained?.fingerprint).toBe('three')
  })

  it('keeps own ones that came without an access token, where the store had them later', () => {
    const mine = { ...own, retained: tokensOf('own'), storeWrittenAt: later(noon, seconds(61)) }
    expect(heirOf(former, 'two', mine).retained?.fingerprint).toBe('own')
  })

  it('keeps own ones that the key of a document that was put back does not open', () => {
    const closed = { fingerprint: 'own', source, sealed: 'sealed' }
    const mine: RefreshRecord = { ...own, retained: closed, storeWrittenAt: later(noon, seconds(61)) }
    expect(heirOf(former, 'two', mine).retained?.fingerprint).toBe('own')
  })

  it('gets the late answer to what it has left behind another one', () => {
    const first = heirOf(former, 'four')
    const six = { ...intent, fingerprint: 'six', startedAt: later(noon, seconds(200)) }
    const doubtful: RefreshRecord = { ...disarmed(first), left: [intent], intent: six }
    const answered = succeeded(former, { presented: 'four', retained: tokensOf('five', 130) })
    expect(heirOf(answered, 'four', doubtful).retained?.fingerprint).toBe('five')
  })
})

it('an heir of one login does not forget what the store shows', () => {
  const theirs = Array.from({ length: 40 }, (_, index) => `their ${index}`)
  const before: RefreshRecord = { ...disarmed(former), spent: theirs, retained: tokensOf('their 40', 0) }
  const many = [...theirs, 'their 40', ...Array.from({ length: 29 }, (_, index) => `own ${index}`)].slice(-spentLimit)
  expect(many).not.toContain('their 3')
  expect(heirOf(before, 'their 3', { ...own, spent: many, stored: ['own'] }).spent).toContain('their 3')
})

it('what the one before has begun with belongs to its server, at an heir with tokens of another one', () => {
  const before = { ...former, origin: 'https://a.example.com' }
  const record = heirOf(before, 'four', { ...own, origin: 'https://b.example.com' })
  expect(recordedOrigin(record, 'four', true)).toBe('https://a.example.com')
})
