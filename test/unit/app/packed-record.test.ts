import { describe, expect, test } from 'vitest'
import { packFingerprints, unpackFingerprints } from '../../../src/app/packed-fingerprints.ts'
import { PackedRecord } from '../../../src/app/packed-record.ts'
import { newRecord, type RefreshRecord, spentLimit } from '../../../src/domain/refresh-record.ts'
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
