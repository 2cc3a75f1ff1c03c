import { describe, expect, test } from 'vitest'
import { packFingerprints, unpackFingerprints } from '../../../src/app/packed-fingerprints.ts'
import { PackedClaim } from '../../../src/app/packed-claim.ts'
import { PackedRecord } from '../../../src/app/packed-record.ts'
import type { ClaimState } from '../../../src/domain/document-claim.ts'
import { ownerId, ownerName } from '../../../src/domain/ownership.ts'
import { newRecord, type RefreshRecord } from '../../../src/domain/refresh-record.ts'
import { spentLimit } from '../../../src/domain/spent-tokens.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { canary } from '../../support/canary.ts'

const key = { namespace: 'ci', name: 'claude' }

describe('fingerprints that are packed', () => {
  test.each<[string, readonly string[]]>([
    ['none', []],
    ['every digit', ['0123456789abcdef0123456789abcdef', 'fedcba9876543210fedcba9876543210']],
    ['the least and the greatest', ['0'.repeat(32), 'f'.repeat(32)]],
    ['as many as a record has', Array.from({ length: spentLimit }, (_, index) => `${index}`.padStart(32, 'a'))],
    ['others than fingerprints', ['of another length', '0'.repeat(32)]],
    ['letters that are no digits', ['g'.repeat(32), 'F'.repeat(32), `${'0'.repeat(31)}/`, `${'0'.repeat(31)}:`]],
  ])('are what they were: %s', (_, fingerprints) => {
    expect(unpackFingerprints(packFingerprints(fingerprints))).toEqual(fingerprints)
  })

  test('take a character for each eight bits', () => {
    expect(packFingerprints(['f'.repeat(32), '0'.repeat(32)])).toHaveLength(32)
  })
})

describe('a record that is packed', () => {
  const full: RefreshRecord = {
    ...newRecord('a-uid', { ...key }),
    epoch: 3,
    generation: 2,
    spent: ['a'.repeat(32)],
    retained: {
      fingerprint: 'b'.repeat(32),
      source: { store: { kind: 'TokenStore', name: 'vault' }, key: 'ci/claude' },
      tokens: { refreshToken: new Sensitive(canary('rt')) },
    },
    version: 'v1',
  }

  test('is what it was', () => {
    const record = new PackedRecord(full, { uid: 'a-uid', key }).unpacked()
    expect(record).toEqual(full)
    expect(record.retained?.tokens).toBe(full.retained?.tokens)
    expect(record.credential).toBe(key)
  })

  test('stays that of another credential', () => {
    const other = { uid: 'another-uid', key: { namespace: 'ci', name: 'codex' } }
    expect(new PackedRecord(full, other).unpacked()).toEqual(full)
  })
})

describe('a claim that is packed', () => {
  const claimant = { installation: 'here', uid: 'a-uid', key }
  const own = { owner: ownerId('here', 'a-uid'), ownerName: ownerName('here', key) }
  const mark = { generation: 4, fingerprint: 'a'.repeat(32) }
  const sealingKey = new Sensitive(canary('secret'))

  test.each<[string, ClaimState]>([
    ['of a document that is free', { kind: 'free' }],
    ['of its own', { kind: 'claimed', claim: { ...own, sealingKey } }],
    ['of its own, with a mark', { kind: 'claimed', claim: { ...own, sealingKey, mark } }],
    ['under another name', { kind: 'claimed', claim: { ...own, ownerName: 'somebody', sealingKey, mark } }],
    ['of another owner', { kind: 'claimed', claim: { owner: 'there/a-uid', ownerName: 'somebody', sealingKey } }],
  ])('%s is what it was', (_, claim) => {
    const unpacked = new PackedClaim(claim, claimant).unpacked(claimant)
    expect(unpacked).toEqual(claim)
    if (unpacked.kind === 'claimed') expect(unpacked.claim.sealingKey).toBe(sealingKey)
  })
})
