import { describe, expect, it } from 'vitest'
import { openedTokens, withOpened, withoutRecord, withRecord } from '../../../src/domain/opened-tokens.ts'
import { newRecord, type RefreshRecord, type RetainedTokens } from '../../../src/domain/refresh-record.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { refreshedState } from '../../support/builders.ts'
import { canary } from '../../support/canary.ts'

const state = refreshedState(60, 3600)
const key = { namespace: 'ci', name: 'claude' }
const source = { store: { kind: 'TokenStore', name: 'vault' }, key: 'teams/ci/claude' } as const
const elsewhere = { ...source, key: 'teams/ci/other' } as const
const tokens = { refreshToken: new Sensitive(canary('rt')) }
const read: RefreshRecord = { ...newRecord('a-uid', key), version: '7', retained: closed('one') }

function closed(fingerprint: string): RetainedTokens {
  return { fingerprint, source, sealed: 'x' }
}

function open(fingerprint: string): RetainedTokens {
  return { fingerprint, source, tokens, sealedWith: 'k' }
}

describe('a record that a document does not open', () => {
  it('has the token that was opened before, and is sealed anew', () => {
    const retained = { fingerprint: 'one', source, tokens }
    expect(withOpened(read, [open('two'), open('one')])).toEqual({ ...read, retained })
  })

  it('keeps what the record has numbered since', () => {
    const numbered = { ...read, retained: { ...closed('one'), generation: 4 } }
    expect(withOpened(numbered, [open('one')]).retained?.generation).toBe(4)
  })

  it('has those of places that were left, which stay sealed as they are stored', () => {
    const kept = [{ ...closed('left'), source: elsewhere }]
    const whole = { ...read, kept }
    expect(withOpened(whole, [open('left')])).toEqual({ ...whole, kept: [{ ...kept[0], tokens }] })
  })

  it.each<[string, readonly RetainedTokens[]]>([
    ['nothing was opened', []],
    ['it was closed before, too', [closed('one')]],
    ['another token was opened', [open('two')]],
  ])('is as it was read where %s', (_what, opened) => {
    expect(withOpened(read, opened)).toBe(read)
  })

  it('and one that is open is as it was read', () => {
    const whole = { ...read, retained: open('one') }
    expect(withOpened(whole, [open('one')])).toBe(whole)
  })
})

describe('what was opened of a record', () => {
  const record = { ...read, retained: open('one'), kept: [open('left'), closed('shut')] }

  it('is known as long as the record is', () => {
    expect(openedTokens({ record }).map(({ fingerprint }) => fingerprint)).toEqual(['left', 'one'])
  })

  it('is known after it, and after the next one', () => {
    const first = withoutRecord({ state: state, record })
    expect(first).toEqual({ state: state, opened: [open('left'), open('one')] })
    const second = withoutRecord({ ...first, record: { ...read, retained: open('two') } })
    expect(second.opened?.map(({ fingerprint }) => fingerprint)).toEqual(['left', 'one', 'two'])
  })

  it('is in the next record that is known, and nowhere else', () => {
    const again = withRecord(withoutRecord({ state, record }), record)
    expect(again).toEqual({ state, record })
  })

  it('is nothing where nothing was', () => {
    expect(withoutRecord({ state: state, record: read })).toEqual({ state: state })
  })
})
