import { describe, expect, it } from 'vitest'
import type { RefreshTokenSource } from '../../../src/domain/credential.ts'
import { facing, generationOf, withHome } from '../../../src/domain/record-places.ts'
import { armed, isNewestIn, newestIn, newRecord, type RefreshRecord } from '../../../src/domain/refresh-record.ts'
import { spentLimit } from '../../../src/domain/spent-tokens.ts'
import { succeeded } from '../../../src/domain/succession.ts'
import { aCredential, noon } from '../../support/builders.ts'

const { uid, key, spec } = aCredential()

function at(document: string): RefreshTokenSource {
  return { ...spec.refreshToken, key: document }
}

/** One refresh at a place: the token that was presented, and the one that came. */
function refreshed(
  record: RefreshRecord,
  document: string,
  [presented, came]: readonly [string, string],
): RefreshRecord {
  const source = at(document)
  const intent = { holder: { journalId: 'self' }, fingerprint: presented, source, startedAt: noon, sends: 1 }
  const place = { origin: `https://${document}.example.com`, generation: 0, stored: presented }
  const begun = armed(facing(record, source), intent, place)
  return succeeded(begun, { presented, retained: { fingerprint: came, source } })
}

const here = refreshed(newRecord(uid, key), 'a', ['a0', 'a1'])
const both = refreshed(refreshed(here, 'b', ['b0', 'b1']), 'b', ['b1', 'b2'])

describe('a record that faces a place', () => {
  it('is the same where it faces that already, and where nothing is kept', () => {
    expect(facing(here, at('a'))).toBe(here)
    expect(facing(newRecord(uid, key), at('a')).retained).toBeUndefined()
  })

  it('has the tokens of that place, and keeps those of the others', () => {
    expect(both.retained?.fingerprint).toBe('b2')
    expect(both.kept?.map(({ fingerprint }) => fingerprint)).toEqual(['a1'])
    const back = facing(both, at('a'))
    expect(back.retained).toMatchObject({ fingerprint: 'a1', source: at('a') })
    expect(back.kept?.map(({ fingerprint }) => fingerprint)).toEqual(['b2'])
    expect(facing(back, at('b')).retained?.fingerprint).toBe('b2')
  })

  it('has none at a place where nothing came yet', () => {
    const next = facing(both, at('c'))
    expect([next.retained, next.origin, next.storeWrittenAt, next.stored]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect(newestIn(next).map(({ fingerprint }) => fingerprint)).toEqual(['a1', 'b2'])
    expect([isNewestIn(next, 'a1'), isNewestIn(next, 'b1')]).toEqual([true, false])
  })

  it('knows what belongs to that place alone', () => {
    const paced = { ...here, storeWrittenAt: noon }
    const back = facing(facing(paced, at('b')), at('a'))
    expect([back.origin, back.storeWrittenAt]).toEqual(['https://a.example.com', noon])
    expect(facing(both, at('a')).origin).toBe('https://a.example.com')
  })

  it('counts the tokens of that place, and goes on with the number of all', () => {
    expect([both.generation, generationOf(both)]).toEqual([3, 3])
    const back = facing(both, at('a'))
    expect([back.generation, generationOf(back)]).toEqual([3, 1])
    const next = refreshed(back, 'a', ['a1', 'a2'])
    expect([next.generation, generationOf(next)]).toEqual([4, 4])
    expect(generationOf(facing(next, at('b')))).toBe(3)
  })

  it('keeps eight other places, and of those first what is not in its store', () => {
    let record = refreshed(withHome(refreshed(here, 'b', ['b0', 'b1']), 'a1'), 'c', ['c0', 'c1'])
    for (const document of 'defghij') record = refreshed(record, document, [`${document}0`, `${document}1`])
    expect(
      newestIn(record)
        .map(({ fingerprint }) => fingerprint[0])
        .join(''),
    ).toBe('bcdefghij')
    const homely = refreshed(withHome(record, 'e1'), 'k', ['k0', 'k1'])
    expect(
      newestIn(homely)
        .map(({ fingerprint }) => fingerprint[0])
        .join(''),
    ).toBe('bcdfghijk')
    const last = refreshed(homely, 'l', ['l0', 'l1'])
    expect(
      newestIn(last)
        .map(({ fingerprint }) => fingerprint[0])
        .join(''),
    ).toBe('cdfghijkl')
  })

  it('drops a token of another place that somebody has put here, once it is used up', () => {
    const next = refreshed(both, 'b', ['a1', 'b3'])
    expect(next.kept).toBeUndefined()
    expect(next.spent).toContain('a1')
  })

  it('knows which used-up token a store has that was left behind, however many come after it', () => {
    let record = refreshed({ ...here, stored: ['a0'] }, 'b', ['b0', 'b1'])
    for (let index = 1; index < 2 * spentLimit; index += 1)
      record = refreshed(record, 'b', [`b${index}`, `b${index + 1}`])
    expect(record.spent).toContain('a0')
    expect(facing(record, at('a')).stored).toEqual(['a0'])
  })
})
