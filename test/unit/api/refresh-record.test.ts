import { describe, expect, it } from 'vitest'
import { type ClearRecord, decodeRecord, encodeRecord } from '../../../src/api/refresh-record.ts'
import { newRecord, type RefreshIntent, type RefreshRecord } from '../../../src/domain/refresh-record.ts'
import { noon } from '../../support/builders.ts'

const source = { store: { kind: 'TokenStore', name: 'vault' }, key: 'teams/ci/claude' } as const
const origin = 'https://login.example.com'
const elsewhere = 'https://new.example.com'

function intent(changes: Partial<RefreshIntent> = {}): RefreshIntent {
  return { fingerprint: 'a'.repeat(32), source, startedAt: noon, sends: 1, ...changes }
}

function record(changes: Partial<RefreshRecord>): RefreshRecord {
  return { ...newRecord('a-uid', { namespace: 'ci', name: 'claude' }), origin, ...changes }
}

function read(written: object): ClearRecord {
  const decoded = decodeRecord(JSON.parse(JSON.stringify(written)))
  if (decoded.kind === 'unreadable') throw new Error(decoded.problem)
  return decoded.record
}

describe('where a token is sent, in a record', () => {
  it('goes without saying for the origin of the record, which any release reads', () => {
    const written = encodeRecord(record({ intent: intent({ origin }), left: [intent({ origin })] }))
    expect(written).toMatchObject({ format: 2, origin, intent: expect.not.objectContaining({ origin }) as object })
    expect(encodeRecord(record({ intent: intent({ origin }) }))).toMatchObject({ format: 1 })
    expect(read(written)).toMatchObject({ intent: { origin }, left: [{ origin }] })
  })

  it('is told for another one, which a release that knows none must not overlook', () => {
    const written = encodeRecord(record({ intent: intent({ origin: elsewhere }) }))
    expect(written).toMatchObject({ format: 4, origin, intent: { origin: elsewhere } })
    expect(read(written)).toMatchObject({ origin, intent: { origin: elsewhere } })
  })

  it('is told where the record has no origin', () => {
    const { origin: _none, ...bare } = record({ intent: intent({ origin }) })
    expect(read(encodeRecord(bare))).toMatchObject({ intent: { origin } })
    expect(read(encodeRecord(bare)).origin).toBeUndefined()
  })

  it('is unknown where neither says it', () => {
    const { origin: _none, ...bare } = record({ intent: intent() })
    expect(read(encodeRecord(bare)).intent).toEqual(intent())
  })
})
