import { describe, expect, it } from 'vitest'
import { TokenOwners } from '../../../src/app/token-owners.ts'
import { refreshTokenSpec } from '../../../src/domain/credential.ts'
import { aCredential } from '../../support/builders.ts'
import { movedTo, otherKey } from '../../support/two-documents.ts'

const { spec } = aCredential()
const source = refreshTokenSpec({ spec }).refreshToken
const elsewhere = movedTo(otherKey).spec
const claude = { uid: '1', key: { namespace: 'ci', name: 'claude' } }
const other = { uid: '2', key: { namespace: 'ci', name: 'other' } }

describe('a refresh token', () => {
  it('that nobody presents is nobody’s', () => {
    expect(new TokenOwners().ownerOf('a', '2')).toBeUndefined()
    expect(new TokenOwners().knows('1')).toBe(false)
  })

  it('is of whoever presents it, for everybody else', () => {
    const owners = new TokenOwners()
    owners.took('a', source, claude)
    expect(owners.ownerOf('a', '2')).toEqual(claude.key)
    expect(owners.ownerOf('a', '1')).toBeUndefined()
    expect(owners.knows('1')).toBe(true)
  })

  it('stays so when it is used up', () => {
    const owners = new TokenOwners()
    owners.took('a', source, claude)
    owners.replaced('a', { fingerprint: 'b', source }, claude)
    expect(owners.ownerOf('a', '2')).toEqual(claude.key)
    expect(owners.ownerOf('b', '2')).toEqual(claude.key)
  })

  it('is free when its owner is at another place by now, unless it is used up', () => {
    const owners = new TokenOwners()
    owners.placed({ uid: '1', spec: elsewhere })
    owners.took('a', source, claude)
    owners.replaced('a', { fingerprint: 'b', source }, claude)
    owners.placed({ uid: '1', spec })
    expect(owners.ownerOf('b', '2')).toEqual(claude.key)
    owners.placed({ uid: '1', spec: elsewhere })
    expect(owners.ownerOf('a', '2')).toEqual(claude.key)
    expect(owners.ownerOf('b', '2')).toBeUndefined()
    expect(owners.knows('1')).toBe(true)
  })

  it('is free when its owner takes another one without having used it up', () => {
    const owners = new TokenOwners()
    owners.took('a', source, claude)
    owners.replaced('a', { fingerprint: 'b', source }, claude)
    owners.took('login', source, claude)
    expect(owners.ownerOf('b', '2')).toBeUndefined()
    expect(owners.ownerOf('a', '2')).toEqual(claude.key)
    owners.took('b', source, other)
    expect(owners.ownerOf('b', '1')).toEqual(other.key)
    owners.replaced('login', { fingerprint: 'next', source }, claude)
    expect(owners.ownerOf('b', '1')).toEqual(other.key)
  })

  it('is free with all others of its owner when that one is gone', () => {
    const owners = new TokenOwners()
    owners.took('a', source, claude)
    owners.replaced('a', { fingerprint: 'b', source }, claude)
    owners.forget('1')
    expect(owners.ownerOf('a', '2')).toBeUndefined()
    expect(owners.ownerOf('b', '2')).toBeUndefined()
    expect(owners.knows('1')).toBe(false)
    owners.forget('1')
  })

  it('is forgotten when sixteen later ones were used up', () => {
    const owners = new TokenOwners()
    owners.took('0', source, claude)
    for (let turn = 0; turn < 17; turn += 1)
      owners.replaced(String(turn), { fingerprint: String(turn + 1), source }, claude)
    expect(owners.ownerOf('0', '2')).toBeUndefined()
    expect(owners.ownerOf('1', '2')).toEqual(claude.key)
  })

  it('that a server sends again is not used up', () => {
    const owners = new TokenOwners()
    owners.took('a', source, claude)
    owners.replaced('a', { fingerprint: 'a', source }, claude)
    owners.took('login', source, claude)
    expect(owners.ownerOf('a', '2')).toBeUndefined()
  })

  it('that was given up stays so when another one of its owner turns out to be used up', () => {
    const owners = new TokenOwners()
    owners.took('a', source, claude)
    owners.replaced('a', { fingerprint: 'b', source }, claude)
    owners.gaveUp('b', claude)
    owners.took('b', source, other)
    owners.usedUp('late', claude)
    expect(owners.ownerOf('b', '2')).toBeUndefined()
    expect(owners.ownerOf('late', '2')).toEqual(claude.key)
    owners.usedUp('of nobody', { ...other, uid: '3' })
    expect(owners.ownerOf('of nobody', '2')).toBeUndefined()
  })
})
