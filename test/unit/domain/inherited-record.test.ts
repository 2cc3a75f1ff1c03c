import { describe, expect, it } from 'vitest'
import type { RefreshTokenSource } from '../../../src/domain/credential.ts'
import { continues, inherited, isOfLogin, knows, sourcesOf, tellingOf } from '../../../src/domain/inherited-record.ts'
import {
  newRecord,
  type RefreshIntent,
  type RefreshRecord,
  type RetainedTokens,
} from '../../../src/domain/refresh-record.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { spentLimit } from '../../../src/domain/spent-tokens.ts'
import { later, seconds } from '../../../src/domain/time.ts'
import { aCredential, anAccessToken, noon } from '../../support/builders.ts'
import { canary } from '../../support/canary.ts'

const { key, spec } = aCredential()
const source = spec.refreshToken
const formerSource: RefreshTokenSource = { store: { kind: 'ClusterTokenStore', name: 'shared' }, key: source.key }
const elsewhere: RefreshTokenSource = { ...formerSource, key: 'another document' }
const heir = newRecord('heir', { ...key, name: 'renamed' })

function intentOn(fingerprint: string): RefreshIntent {
  return { holder: { journalId: 'over' }, fingerprint, source: formerSource, startedAt: noon, sends: 1 }
}

function retained(fingerprint: string, where = formerSource): RetainedTokens {
  return { fingerprint, source: where, tokens: { refreshToken: new Sensitive(canary('rt')) } }
}

function issuedLater(): Pick<RefreshRecord, 'retained'> {
  const accessToken = { ...anAccessToken(), issuedAt: later(noon, seconds(60)) }
  return { retained: { ...retained('own'), tokens: { refreshToken: new Sensitive(canary('rt')), accessToken } } }
}

function laterIntent(): RefreshIntent {
  return { ...intentOn('four'), startedAt: later(noon, seconds(1)) }
}

/** What was left by a credential that used up `one`, and `two` after it. */
function before(changes: Partial<RefreshRecord> = {}): RefreshRecord {
  const used = { epoch: 7, generation: 3, spent: ['one', 'two'], retained: retained('three'), origin: 'https://as' }
  return { ...newRecord('former', key), version: 'v9', ...used, ...changes }
}

function heirOf(left: RefreshRecord, fingerprint: string, own: Partial<RefreshRecord> = {}): RefreshRecord {
  return inherited({ ...heir, ...own }, left, { fingerprint, source, isProven: true, isOwnHere: true })
}

describe('a record tells of a refresh token', () => {
  it.each([
    ['that was used up', 'one', true],
    ['that is the newest', 'three', true],
    ['that is being presented', 'four', true],
    ['that nobody has seen', 'five', false],
  ])('%s', (_what, fingerprint, expected) => {
    expect(knows(before({ intent: intentOn('four') }), fingerprint)).toBe(expected)
  })
})

describe('the heir of a login', () => {
  it('goes on with what was known, under its own name and version', () => {
    const record = heirOf(before(), 'two')
    expect(record).toMatchObject({ uid: 'heir', credential: { name: 'renamed' }, version: '', epoch: 7, generation: 3 })
    expect(record).toMatchObject({
      spent: ['one', 'two'],
      origin: 'https://as',
      retained: { fingerprint: 'three', source },
    })
  })

  it('has nobody at the intents, whose results are as unknown as they were', () => {
    const record = heirOf(before({ intent: intentOn('three'), left: [intentOn('four')] }), 'three')
    expect(record.intent).toEqual({ fingerprint: 'three', source, startedAt: noon, sends: 1 })
    expect(record.left).toEqual([{ fingerprint: 'four', source, startedAt: noon, sends: 1 }])
  })

  it('gets neither an access token, nor a refusal, nor what is sealed for another record', () => {
    const accessToken = {
      value: new Sensitive(canary('at')),
      tokenType: 'Bearer',
      issuedAt: noon,
      expiresAt: noon,
      scopes: ['everything'],
    }
    const tokens = { refreshToken: new Sensitive(canary('rt')), accessToken }
    const refused = { fingerprint: 'three', code: 'REFRESH_TOKEN_REJECTED' } as const
    const record = heirOf(before({ refused, retained: { ...retained('three'), tokens } }), 'two')
    expect(record.refused).toBeUndefined()
    expect(Object.keys(record.retained?.tokens ?? {})).toEqual(['refreshToken'])
    const closed = heirOf(before({ retained: { fingerprint: 'three', source: formerSource, sealed: 'text' } }), 'two')
    expect(closed.retained).toEqual({ fingerprint: 'three', source })
  })

  it('gets no token that may be of another place, and knows all the same what was used up', () => {
    const record = inherited(heir, before(), { fingerprint: 'two', source, isProven: false, isOwnHere: true })
    expect(record.retained).toBeUndefined()
    expect(record.spent).toEqual(['one', 'two'])
  })

  it('has used a token before: what it knows of that stays', () => {
    const own = { epoch: 9, generation: 1, spent: ['own'], intent: { ...intentOn('own two'), source } }
    const record = heirOf(before(), 'two', own)
    expect(record).toMatchObject({ epoch: 9, generation: 3, spent: ['own', 'one', 'two'] })
    expect(record.left).toEqual([own.intent])
  })

  it('learns of an earlier login what was used up, and nothing else', () => {
    const own = { spent: ['own'], retained: retained('own two', source) }
    expect(heirOf(before(), 'own two', own)).toEqual({ ...heir, ...own, spent: ['one', 'two', 'own'] })
  })

  it('forgets of its own tokens none for those of an earlier login', () => {
    const own = Array.from({ length: spentLimit }, (_, index) => `own ${index}`)
    expect(heirOf(before(), 'own two', { spent: own }).spent).toEqual(own)
  })
})

describe('an heir that has begun already', () => {
  const begun = { epoch: 8, generation: 3, spent: ['one', 'two'], origin: 'https://as' }

  describe('who has had tokens of a later login', () => {
    const own = { retained: retained('own'), spent: ['own before'], storeWrittenAt: later(noon, seconds(60)) }

    it.each([
      ['the store was written', own, {}],
      ['its status tells', { ...own, storeWrittenAt: undefined }, { loginUsedAt: later(noon, seconds(60)) }],
      ['its access token was issued', { ...own, ...issuedLater(), storeWrittenAt: undefined }, {}],
    ])('keeps its own when %s, and counts all before as used up', (_when, { storeWrittenAt, ...known }, told) => {
      const heirs = { ...heir, ...known, ...(storeWrittenAt !== undefined && { storeWrittenAt }) }
      const left = before({ storeWrittenAt: noon, left: [intentOn('four')] })
      const record = inherited(heirs, left, { fingerprint: 'three', source, isProven: true, isOwnHere: true, ...told })
      expect(record.retained).toBe(known.retained)
      expect(record.spent).toEqual(expect.arrayContaining(['one', 'two', 'three', 'four', 'own before']))
      expect(record.left).toBeUndefined()
    })

    it('keeps its own where they belong to another place, and goes on with those of its predecessor here', () => {
      const told = {
        fingerprint: 'three',
        source,
        isProven: true,
        isOwnHere: false,
      }
      const record = inherited({ ...heir, ...own }, before({ storeWrittenAt: noon }), told)
      expect(record.retained?.fingerprint).toBe('three')
      expect(record.spent).not.toContain('own')
    })

    it('keeps its own of another place where its predecessor here has left no tokens', () => {
      const told = { fingerprint: 'four', source, isProven: true, isOwnHere: false }
      const left: RefreshRecord = {
        ...newRecord('former', key),
        version: 'v9',
        spent: ['one'],
        left: [intentOn('four')],
      }
      const record = inherited({ ...heir, ...own, origin: 'https://elsewhere' }, left, told)
      expect(record).toMatchObject({
        retained: own.retained,
        origin: 'https://elsewhere',
        spent: ['one', 'own before'],
      })
      expect(record.left).toEqual([{ fingerprint: 'four', source, startedAt: noon, sends: 1 }])
    })

    it('takes the token of the store for one that nobody knows, where nothing tells whose was later', () => {
      const known = { ...own, storeWrittenAt: later(noon, seconds(60)) }
      const record = heirOf(before(), 'three', known)
      expect(record.retained).toBe(known.retained)
      expect(record.spent).toEqual(expect.arrayContaining(['one', 'two', 'own before']))
      expect(record.spent).not.toContain('three')
    })

    it('keeps its own where its predecessor has begun later, with older tokens than the heir has had since', () => {
      const tokens = { refreshToken: new Sensitive(canary('rt')), accessToken: { ...anAccessToken(), issuedAt: noon } }
      const intent = { ...intentOn('four'), startedAt: later(noon, seconds(120)) }
      const former = before({ retained: { ...retained('three'), tokens }, intent })
      const record = heirOf(former, 'four', { ...issuedLater(), spent: ['own before'] })
      expect(record.retained?.fingerprint).toBe('own')
      expect(record.spent).toEqual(expect.arrayContaining(['own before', 'one', 'two', 'three']))
      expect(record.left).toEqual([expect.objectContaining({ fingerprint: 'four', sends: 1 })])
      // Not where that is what it has begun with, or what the store shows.
      const begun = { ...former, intent: { ...intent, fingerprint: 'three' } }
      for (const shown of ['three', 'two']) {
        expect(heirOf(begun, shown, issuedLater()).retained?.fingerprint).toBe('three')
      }
    })

    it('does not forget what the store shows, however many tokens it has had', () => {
      const many = Array.from({ length: spentLimit }, (_, index) => `own ${index}`)
      const record = heirOf(before({ storeWrittenAt: noon }), 'three', {
        ...own,
        spent: many,
      })
      expect(record.spent).toContain('three')
      expect(record.spent).toHaveLength(spentLimit)
    })

    it.each([
      ['had them earlier', { ...own, storeWrittenAt: noon }, { storeWrittenAt: later(noon, seconds(1)) }],
      ['presents another one since', { ...own, storeWrittenAt: noon }, { intent: laterIntent() }],
      ['has had none', { spent: ['own before'], storeWrittenAt: later(noon, seconds(60)) }, { storeWrittenAt: noon }],
    ])('goes on with those of its predecessor where it %s', (_what, known, changes) => {
      const record = heirOf(before(changes), 'three', known)
      expect(record.retained?.fingerprint).toBe('three')
      expect(record.spent).toEqual(expect.arrayContaining(['one', 'two', 'own before']))
    })
  })

  it('takes the answer that came late to its predecessor', () => {
    const left = before({ generation: 4, spent: ['one', 'two', 'three'], retained: retained('four') })
    const record = heirOf(left, 'three', { ...begun, retained: retained('three', source) })
    expect(record).toMatchObject({ epoch: 8, generation: 4, retained: { fingerprint: 'four', source } })
    expect(record.spent.toSorted()).toEqual(['one', 'three', 'two'])
  })

  it('keeps what has come after the newest of its predecessor', () => {
    const own = { ...begun, spent: ['one', 'two', 'three'], retained: retained('four', source) }
    expect(heirOf(before(), 'two', own)).toMatchObject({ retained: { fingerprint: 'four' }, spent: own.spent })
  })

  it('counts its newest token as used up where it gets none that came after it', () => {
    const own = { ...begun, retained: retained('three', source) }
    const left = before({ spent: ['one', 'two', 'three'], retained: retained('four') })
    const record = inherited({ ...heir, ...own }, left, {
      fingerprint: 'three',
      source,
      isProven: false,
      isOwnHere: true,
    })
    expect(record.spent).toContain('three')
  })

  it('takes tokens that it could not open itself', () => {
    const own = { ...begun, retained: { fingerprint: 'three', source, sealed: 'with a key that is lost' } }
    expect(heirOf(before(), 'two', own).retained?.tokens).toBeDefined()
  })
})

describe('a record that both have to do with', () => {
  const own = { ...heir, spent: ['zero'], retained: { fingerprint: 'one', source } }

  it('is one that knows the newest token of the heir, whatever the store shows', () => {
    expect(isOfLogin(before(), own, 'zero')).toBe(true)
    expect(isOfLogin(before({ spent: ['two'] }), own, 'zero')).toBe(false)
    expect(heirOf(before(), 'zero', own)).toMatchObject({
      retained: { fingerprint: 'three' },
      spent: ['one', 'two', 'zero'],
    })
  })

  it('leaves the intent on the newest token of the heir open', () => {
    const left = { ...newRecord('former', key), version: 'v9', intent: intentOn('one') }
    expect(heirOf(left, 'one', own).left).toEqual([{ fingerprint: 'one', source, startedAt: noon, sends: 1 }])
  })
})

describe('what a record tells of a place', () => {
  const isHere = ({ key: document }: RefreshTokenSource): boolean => document === source.key

  it('is all of it, as long as its newest tokens belong there', () => {
    const record = before()
    expect(tellingOf(record, isHere)).toBe(record)
    const begun = { ...newRecord('former', key), intent: intentOn('one') }
    expect(tellingOf(begun, isHere)).toBe(begun)
  })

  it('is nothing of another place to which somebody went in between', () => {
    const intents = { intent: intentOn('four'), left: [{ ...intentOn('two'), source: elsewhere }, intentOn('one')] }
    const told = tellingOf(before(intents), isHere)
    expect(told).toEqual(before({ ...intents, left: [intentOn('one')] }))
    const gone = tellingOf(before({ intent: { ...intentOn('four'), source: elsewhere } }), isHere)
    expect(gone).toEqual(before())
  })

  it('is what was used up and who was left there, once it has gone on to another one', () => {
    const left = [intentOn('one'), { ...intentOn('two'), source: elsewhere }]
    const told = tellingOf(before({ retained: retained('three', elsewhere), left, intent: intentOn('four') }), isHere)
    expect(told).toMatchObject({ spent: ['one', 'two'], left: [{ fingerprint: 'one' }, { fingerprint: 'four' }] })
    expect([told.retained, told.intent]).toEqual([undefined, undefined])
  })
})

describe('the places of a record', () => {
  it('are those of its intents and of its newest tokens', () => {
    const intent = { ...intentOn('four'), source: elsewhere }
    expect(sourcesOf(before({ intent, left: [intentOn('five')] }))).toEqual([formerSource, elsewhere, formerSource])
    expect(sourcesOf(newRecord('new', key))).toEqual([])
  })
})

describe('a record goes on with the login of a neighbour', () => {
  const neighbour: RefreshRecord = { ...newRecord('neighbour', key), spent: ['one'], retained: retained('two') }
  const own: RefreshRecord = { ...heir, spent: ['two'], retained: retained('three') }

  it('once it has used up the newest token of that one', () => {
    expect(continues(own, neighbour)).toBe(true)
    expect(continues({ ...own, spent: ['other'] }, neighbour)).toBe(false)
  })

  it('not while that one has begun something since', () => {
    expect(continues(own, { ...neighbour, intent: intentOn('two') })).toBe(false)
  })

  it('not where that one has used up the token that this one has', () => {
    expect(continues(own, { ...neighbour, spent: ['one', 'three'] })).toBe(false)
  })
})
