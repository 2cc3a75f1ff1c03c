import { describe, expect, it } from 'vitest'
import type { JournalEntry } from '../../../src/domain/journal-entry.ts'
import type { Rotation } from '../../../src/domain/provider.ts'
import type { RefreshIntent } from '../../../src/domain/refresh-record.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { intentStanding, type IntentWitness, journaledSends, leewaySeconds } from '../../../src/domain/uncertainty.ts'
import { aCredential, aProvider, aRotation, inSeconds, noon } from '../../support/builders.ts'
import { canary } from '../../support/canary.ts'

const { uid, key, spec } = aCredential()
const source = spec.refreshToken
const refreshToken = new Sensitive(canary('rt'))
const self = { journalId: 'self' }
const other = { journalId: 'other' }

function intent(changes: Partial<RefreshIntent> = {}): RefreshIntent {
  return { fingerprint: 'this', source, startedAt: inSeconds(-100), sends: 1, ...changes }
}

function entry(phase: 'armed' | 'sent', sends: number, startedAt = inSeconds(-50)): JournalEntry {
  return { phase, uid, credential: key, storeVersion: 'v1', refreshToken, source, sends, startedAt }
}

function answered(): JournalEntry {
  const answer = { status: 200, contentType: 'application/json', body: new Sensitive('{}'), complete: true }
  return { ...entry('sent', 1), phase: 'answered', answer }
}

const since = inSeconds(-100)
const none = { kind: 'none' }

const standings: Record<
  string,
  [intent: RefreshIntent | undefined, witness: Partial<IntentWitness>, expected: object]
> = {
  'none is none': [undefined, {}, none],
  'one to another token is none': [intent({ fingerprint: 'that', holder: other }), {}, none],
  'that nobody is at was carried out perhaps': [
    intent({ sends: 2 }),
    {},
    { kind: 'uncertain', earlier: { sends: 2, startedAt: since } },
  ],
  'of another is his': [intent({ holder: other }), {}, { kind: 'held', holder: other }],
  'of another that is over was carried out perhaps': [
    intent({ holder: other }),
    { holdersAreOver: true },
    { kind: 'uncertain', earlier: { sends: 1, startedAt: since } },
  ],
  'of ours that the journal did not see carried out is none': [
    intent({ holder: self }),
    { journal: entry('armed', 1) },
    none,
  ],
  'of ours after lost answers leaves those': [
    intent({ holder: self, sends: 3 }),
    { journal: entry('armed', 3) },
    { kind: 'uncertain', earlier: { sends: 2, startedAt: since } },
  ],
  'of ours that was sent is as the journal says': [
    intent({ holder: self, sends: 2 }),
    { journal: entry('sent', 2) },
    { kind: 'uncertain', earlier: { sends: 2, startedAt: inSeconds(-50) } },
  ],
  'of ours that the journal does not know comes from a restored record': [
    intent({ holder: self }),
    {},
    { kind: 'uncertain', earlier: { sends: 1, startedAt: since } },
  ],
}

describe('an intent', () => {
  it.each(Object.entries(standings))('%s', (_name, [given, witness, expected]) => {
    const record = given === undefined ? {} : { intent: given }
    const standing = intentStanding(record, 'this', { self, journal: undefined, holdersAreOver: false, ...witness })
    expect(standing).toMatchObject(expected)
  })
})

describe('an intent that was left for later ones', () => {
  const left = [intent()]
  const later = intent({ fingerprint: 'that', holder: other })
  const uncertain = { kind: 'uncertain', earlier: { sends: 1, startedAt: since } }
  const rows: Record<string, [later: RefreshIntent | undefined, holdersAreOver: boolean, expected: object]> = {
    'waits for whoever is at one of them': [later, false, { kind: 'held', holder: other }],
    'waits for nobody once all of them are over': [later, true, uncertain],
    'waits for nobody when nobody is at them': [intent({ fingerprint: 'that' }), false, uncertain],
    'does not wait for this process': [intent({ fingerprint: 'that', holder: self }), false, uncertain],
    'waits for nobody when none came': [undefined, false, uncertain],
  }

  it.each(Object.entries(rows))('%s', (_name, [intentAfter, holdersAreOver, expected]) => {
    const record = { left, ...(intentAfter && { intent: intentAfter }) }
    expect(intentStanding(record, 'this', { self, journal: undefined, holdersAreOver })).toMatchObject(expected)
  })

  it("is in nobody's way who presents the later token", () => {
    const record = { left: [intent({ holder: other })], intent: intent({ fingerprint: 'that' }) }
    const standing = intentStanding(record, 'that', { self, journal: undefined, holdersAreOver: false })
    expect(standing).toMatchObject(uncertain)
  })
})

const journaled: Record<string, [entry: JournalEntry | undefined, sends: number | undefined]> = {
  'without an entry: nothing': [undefined, undefined],
  'with an answer: nothing': [answered(), undefined],
  'sent: all of them': [entry('sent', 2), 2],
  'about to be sent: those before': [entry('armed', 3), 2],
  'about to be sent for the first time: nothing': [entry('armed', 1), undefined],
}

describe('what the journal knows of lost answers', () => {
  it.each(Object.entries(journaled))('%s', (_name, [given, sends]) => {
    expect(journaledSends(given, refreshToken)?.sends).toBe(sends)
  })

  it('is about the same refresh token only', () => {
    expect(journaledSends(entry('sent', 2), new Sensitive(canary('rt')))).toBeUndefined()
  })
})

const leeways: Record<string, [rotation: Partial<Rotation>, sends: number, ago: number, expected: number | undefined]> =
  {
    'unknown: none': [{}, 1, 0, undefined],
    'lasts from the first send': [{ reuseLeewaySeconds: 30 }, 1, 29, 30],
    'is over after it': [{ reuseLeewaySeconds: 30 }, 1, 30, undefined],
    'lasts for every send of the same token': [{ reuseLeewaySeconds: 30 }, 9, 29, 30],
    'lasts for one send of one generation': [{ reuseLeewaySeconds: 30, leewayKind: 'PreviousGeneration' }, 1, 29, 30],
    'is over after the second of one generation': [
      { reuseLeewaySeconds: 30, leewayKind: 'PreviousGeneration' },
      2,
      1,
      undefined,
    ],
  }

describe('a leeway', () => {
  it.each(Object.entries(leeways))('%s', (_name, [rotation, sends, ago, expected]) => {
    const provider = aProvider({ rotation: aRotation(rotation) })
    expect(leewaySeconds(provider, { sends, startedAt: inSeconds(-ago) }, noon)).toBe(expected)
  })
})
