import { beforeEach, describe, expect, it } from 'vitest'
import { RecordVersions } from '../../../src/app/record-versions.ts'

const uid = 'a uid'
const nothingListed = { isCovered: false, isListing: false }
const listed = { isCovered: true, isListing: false }
const listing = { isCovered: false, isListing: true }

let versions: RecordVersions

beforeEach(() => {
  versions = new RecordVersions()
})

function read(version: string, lists = listed): boolean {
  return versions.isAsLastHad({ uid, version }, lists)
}

describe('a record that is read', () => {
  it('is as it was listed, or somebody else has written it since', () => {
    versions.listed({ uid, version: '1' })
    expect([read('1'), read('1'), read('2'), read('2')]).toEqual([true, true, false, true])
  })

  it('is as this process had it last, whatever a later list shows', () => {
    versions.lastHad({ uid, version: '3' })
    versions.listed({ uid, version: '4' })
    expect([read('3'), read('4')]).toEqual([true, false])
  })

  it('was made by somebody else where the list has not shown it', () => {
    expect([read('', listed), read('1', listed)]).toEqual([true, false])
    versions.clear()
    expect(read('1', listed)).toBe(false)
    versions.clear()
    expect(read('1', nothingListed)).toBe(true)
  })

  it('while a list is under way, is told once that shows it otherwise, or not at all', () => {
    expect(read('2', listing)).toBe(true)
    versions.listed({ uid, version: '1' })
    expect([versions.endList(), versions.endList()]).toEqual([[uid], []])
    versions.clear()
    expect(read('2', listing)).toBe(true)
    versions.listed({ uid, version: '2' })
    expect(versions.endList()).toEqual([])
    versions.clear()
    expect(read('', listing)).toBe(true)
    expect(versions.endList()).toEqual([])
  })

  it('is not known any more of a credential that is gone', () => {
    versions.listed({ uid, version: '1' })
    versions.rewrote(uid, '1', '2')
    versions.forget(uid)
    expect([read('7', nothingListed), versions.now({ uid, version: '1' })]).toEqual([true, '1'])
  })
})

describe('a record that this process replaces by itself', () => {
  it('is as known in each version that it was replaced in', () => {
    versions.rewrote(uid, '1', '2')
    versions.rewrote(uid, '2', '3')
    expect(['1', '2', '3'].map((version) => versions.now({ uid, version }))).toEqual(['3', '3', '3'])
  })

  it('is not, once somebody has written it in between', () => {
    versions.rewrote(uid, '1', '2')
    versions.rewrote(uid, '7', '8')
    expect(['1', '2', '7'].map((version) => versions.now({ uid, version }))).toEqual(['1', '2', '8'])
  })

  it('is as it was listed, or as it was had last', () => {
    versions.listed({ uid, version: '1' })
    versions.rewrote(uid, '1', '2')
    expect(read('2')).toBe(true)
    versions.rewrote(uid, '2', '3')
    versions.lastHad({ uid, version: '1' })
    expect(read('3')).toBe(true)
  })
})
