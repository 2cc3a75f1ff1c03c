import { describe, expect, it } from 'vitest'
import type { ClaimState } from '../../../src/domain/document-claim.ts'
import { failure } from '../../../src/domain/failures.ts'
import type { Preflight } from '../../../src/domain/preflight.ts'
import type { StoreBackend } from '../../../src/domain/token-store.ts'
import { aCredential, aRefreshPolicy, aRotation, inSeconds, refreshedState } from '../../support/builders.ts'
import {
  type Case,
  judge,
  told,
  broken,
  tokensOf,
  retained,
  unopened,
  intent,
  claimed,
  journal,
  self,
  other,
  source,
  inStore,
  newest,
  older,
} from './preflight-cases.ts'

const free: ClaimState = { kind: 'free' }
const own: Partial<Preflight> = { ownership: { isOwn: true, ownerYields: false } }
const twin: Partial<Preflight> = {
  ownership: { isOwn: false, ownerYields: false, twin: { namespace: 'ci', name: 'twin' } },
}
const asked = { credential: aCredential({ ownershipRequest: 'now' }) }
const recordOnly = aCredential({ spec: { refresh: aRefreshPolicy({ storeOutage: 'RecordOnly' }) } })
const unwritable: Partial<Preflight> = { writable: broken('STORE_UNAVAILABLE') }
const behind = { spent: [inStore] }
const aws: StoreBackend = { type: 'awsSecretsManager', minimumWriteIntervalSeconds: 900 }
const justWritten = { storeWrittenAt: inSeconds(-60) }
const elsewhere = { tokenEndpoint: 'https://other.example.com/token' }
const origin = 'https://login.example.com'

/** A credential whose refresh another process was at when it was last looked at, `ago` seconds after its last one. */
function seenElsewhere(ago = 600): ReturnType<typeof refreshedState> {
  const { code, message } = failure('REFRESH_UNDER_WAY', 'Another process is at it.')
  return refreshedState(ago, 3600, { lastFailure: { code, message, at: inSeconds(-10), retryAfterSeconds: 10 } })
}

const table: Record<string, [given: Case, expected: string]> = {
  'nothing is known yet: send': [{}, 'send the stored'],
  'the store has the newest: send': [{ record: retained(inStore) }, 'send the stored'],
  'the record cannot be read: nothing': [
    { found: { record: broken('REFRESH_RECORD_UNAVAILABLE') } },
    'refuse REFRESH_RECORD_UNAVAILABLE',
  ],

  'a document without an owner is claimed first': [{ claim: free }, 'claim'],
  'one that is claimed by us is not claimed again': [{ claim: claimed(), found: own }, 'send the stored'],
  'another owner: nothing': [{ claim: claimed() }, 'refuse REFRESH_TOKEN_OWNED'],
  'another owner that is gone is followed': [
    { claim: claimed(), found: { ownership: { isOwn: false, ownerYields: true } } },
    'claim',
  ],
  'another owner, and a human who says that it is ours': [{ claim: claimed(), observed: asked }, 'claim'],
  'another owner, and a request that was handled': [
    {
      claim: claimed(),
      observed: { ...asked, state: refreshedState(600, 3600, { handledOwnershipRequest: 'now' }) },
    },
    'refuse REFRESH_TOKEN_OWNED',
  ],
  'a twin in this cluster: nothing': [{ found: twin }, 'refuse REFRESH_TOKEN_OWNED'],
  'a twin counts whatever a human asks for': [{ found: twin, observed: asked }, 'refuse REFRESH_TOKEN_OWNED'],
  'no claim goes into a store that takes no writes': [
    { claim: free, found: unwritable, observed: { credential: recordOnly, state: refreshedState(3000, 3600) } },
    'send the stored',
  ],

  'a replaced token is followed by the newest': [{ record: { ...retained(newest), ...behind } }, 'write back'],
  'a replaced token and no record of the newest: a human': [{ record: behind }, 'refuse STORE_ROLLED_BACK'],
  'a replaced token and a record that nobody can open: a human': [
    { record: { ...unopened(newest), ...behind } },
    'refuse STORE_ROLLED_BACK',
  ],
  'a replaced token and a newest one that was replaced too: a human': [
    { record: { ...retained(older), spent: [older, inStore] } },
    'refuse STORE_ROLLED_BACK',
  ],
  'a document of ours that is older than all that is remembered is behind': [
    {
      claim: claimed({ generation: 3, fingerprint: inStore }),
      found: own,
      record: { ...retained(newest), generation: 90 },
    },
    'write back',
  ],
  'a document of ours that went back to the token of a record that was never told of its successor is behind': [
    {
      claim: claimed({ generation: 4, fingerprint: newest }),
      found: own,
      record: { ...retained(inStore), ...intent(), generation: 3 },
    },
    'refuse STORE_ROLLED_BACK',
  ],
  'a document of ours that went on to the token of the record is not, though its mark is of before': [
    {
      claim: claimed({ generation: 3, fingerprint: older }),
      found: own,
      record: { ...retained(inStore), generation: 3 },
    },
    'send the stored',
  ],
  'a document of ours into which a human wrote another token is not': [
    {
      claim: claimed({ generation: 3, fingerprint: older }),
      found: own,
      record: { ...retained(newest), generation: 90 },
    },
    'send the stored',
  ],
  'a document of ours of which a restored record knows nothing is not': [
    {
      claim: claimed({ generation: 90, fingerprint: inStore }),
      found: own,
      record: { ...retained(newest), generation: 3 },
    },
    'send the stored',
  ],
  'a store that is paced and behind: the retained one goes': [
    { record: { ...retained(newest, tokensOf(2500)), ...behind, ...justWritten }, backend: aws },
    'send the retained',
  ],
  'a store that is paced and behind, and a token that nobody published': [
    {
      record: { ...retained(newest, tokensOf(60)), ...behind, ...justWritten },
      backend: aws,
      observed: { state: refreshedState(3000, 3600) },
    },
    'publish, write later',
  ],
  'a store that is paced, and it is time': [
    { record: { ...retained(newest), ...behind, storeWrittenAt: inSeconds(-900) }, backend: aws },
    'write back',
  ],

  'an access token that nobody published goes out': [
    { record: retained(inStore, tokensOf(60)), observed: { state: refreshedState(3000, 3600) } },
    'publish',
  ],
  'one that is due itself does not': [
    { record: retained(inStore, tokensOf(2500)), observed: { state: refreshedState(5000, 3600) } },
    'send the stored',
  ],
  'one whose refresh token was presented since, with an unknown result, does not': [
    {
      record: { ...retained(inStore, tokensOf(60)), ...intent() },
      observed: { state: refreshedState(3000, 3600) },
    },
    'send the stored again after 1',
  ],
  'nor does it when the store is behind': [
    { record: { ...retained(newest, tokensOf(60)), ...behind, ...intent({}, newest) } },
    'write back the refresh token alone',
  ],
  'nor does one whose refresh token the server refused from another credential': [
    {
      record: retained(inStore, tokensOf(60)),
      found: { refusedElsewhere: [inStore] },
      observed: { state: refreshedState(3000, 3600) },
    },
    'send the stored',
  ],
  'nor does that when the store is behind': [
    { record: { ...retained(newest, tokensOf(60)), ...behind }, found: { refusedElsewhere: [newest] } },
    'write back the refresh token alone',
  ],
  'nor where the store is paced': [
    {
      record: { ...retained(newest, tokensOf(60)), ...behind, ...intent({}, newest), storeWrittenAt: inSeconds(-60) },
      backend: aws,
      observed: { state: refreshedState(3000, 3600) },
    },
    'send the retained again after 1',
  ],
  'one that was published does not': [{ record: retained(inStore, tokensOf(600)) }, 'send the stored'],
  'one of a place that the spec no longer names does not': [
    {
      record: { retained: { fingerprint: inStore, source: { ...source, key: 'elsewhere' }, tokens: tokensOf(60) } },
      observed: { state: refreshedState(3000, 3600) },
    },
    'send the stored',
  ],
  'one beside which a human asked for another does not': [
    {
      record: retained(inStore, tokensOf(60)),
      observed: { state: refreshedState(3000, 3600), credential: aCredential({ refreshRequest: 'now' }) },
    },
    'send the stored',
  ],

  'our own intent, and the journal says that it was not sent': [
    { record: intent({ holder: self }), observed: journal('armed', 1) },
    'send the stored',
  ],
  'our own intent after lost answers, not sent this time': [
    { record: intent({ holder: self, sends: 3 }), observed: journal('armed', 3) },
    'send the stored again after 2',
  ],
  'our own intent, and the journal says that it was sent': [
    { record: intent({ holder: self, sends: 2 }), observed: journal('sent', 2) },
    'send the stored again after 2',
  ],
  'our own intent, of which the journal knows nothing': [
    { record: intent({ holder: self }) },
    'send the stored again after 1',
  ],
  'the intent of another': [{ record: intent({ holder: other }) }, 'refuse REFRESH_UNDER_WAY'],
  'the intent of another that is over': [
    { record: intent({ holder: other, sends: 2 }), found: { holdersAreOver: true } },
    'send the stored again after 2',
  ],
  'another was at it, has lost its answer twice, and the access token lives for long: not yet': [
    { observed: { state: seenElsewhere() }, record: intent({ sends: 2 }) },
    'refuse TOKEN_RESULT_UNKNOWN',
  ],
  'another was at it, and has lost its answer once: at once, as every first loss': [
    { observed: { state: seenElsewhere() }, record: intent() },
    'send the stored again after 1',
  ],
  'another was at it, has lost its answer twice, and a refresh is due': [
    { observed: { state: seenElsewhere(2900) }, record: intent({ sends: 2 }) },
    'send the stored again after 2',
  ],
  'another was at it, has lost its answer twice, and the server has a leeway': [
    {
      observed: { state: seenElsewhere() },
      record: intent({ sends: 2 }),
      provider: { rotation: aRotation({ reuseLeewaySeconds: 300 }) },
    },
    'send the stored again after 2',
  ],
  'the intent of another that is over, where nobody can say what is in the store': [
    {
      record: intent({ holder: other }),
      found: { ...unwritable, holdersAreOver: true },
      observed: { credential: recordOnly, state: refreshedState(3500, 3600) },
    },
    'refuse STORE_UNAVAILABLE',
  ],
  'an intent that nobody is at': [{ record: intent() }, 'send the stored again after 1'],
  'the intent of another to present another token': [{ record: intent({ holder: other }, older) }, 'send the stored'],
  'the intent of another to present the retained token, behind a paced store': [
    {
      record: { ...retained(newest, tokensOf(2500)), ...behind, ...justWritten, ...intent({ holder: other }, newest) },
      backend: aws,
    },
    'refuse REFRESH_UNDER_WAY',
  ],
  'a lost answer that only the journal knows of': [{ observed: journal('sent', 2) }, 'send the stored again after 2'],

  'a known token to another server: nothing': [
    { record: { ...retained(inStore), origin }, provider: elsewhere },
    'refuse TOKEN_ORIGIN_CHANGED',
  ],
  'a token that may have been presented to another server': [
    { record: { ...intent(), origin }, provider: elsewhere },
    'refuse TOKEN_ORIGIN_CHANGED',
  ],
  'a known token to another server that a human allows': [
    {
      record: { ...retained(inStore), origin },
      provider: elsewhere,
      observed: { credential: aCredential({ allowedOrigin: 'https://other.example.com' }) },
    },
    'send the stored',
  ],
  'a human’s new token to another server': [
    { record: { ...retained(newest), origin }, provider: elsewhere },
    'send the stored',
  ],
  'a known token to the same server in other letters': [
    { record: { ...retained(inStore), origin }, provider: { tokenEndpoint: 'https://LOGIN.example.com:443/v2/token' } },
    'send the stored',
  ],
  'a known token to the same server, of a record that has the query of its endpoint': [
    {
      record: { ...retained(inStore), origin: `${origin}?tenant=a` },
      provider: { tokenEndpoint: `${origin}?tenant=a` },
    },
    'send the stored',
  ],

  'a target that takes nothing: nothing': [{ found: { target: broken('TARGET_REJECTED') } }, 'refuse TARGET_REJECTED'],
  'a store that takes nothing: nothing': [{ found: unwritable }, 'refuse STORE_UNAVAILABLE'],
  'a store that takes nothing, near the end, without leave': [
    { found: unwritable, observed: { state: refreshedState(3599, 3600) } },
    'refuse STORE_UNAVAILABLE',
  ],
  'a store that takes nothing, with leave, too early': [
    { found: unwritable, observed: { credential: recordOnly, state: refreshedState(2879, 3600) } },
    'refuse STORE_UNAVAILABLE',
  ],
  'a store that takes nothing, with leave, near the end': [
    { found: unwritable, observed: { credential: recordOnly, state: refreshedState(2880, 3600) } },
    'send the stored',
  ],
  'a store that takes nothing, with leave, and nothing to lose yet': [
    { found: unwritable, observed: { credential: recordOnly, state: aCredential().state } },
    'refuse STORE_UNAVAILABLE',
  ],
  'a target that takes nothing comes before a store': [
    { found: { ...unwritable, target: broken('TARGET_UNAVAILABLE') } },
    'refuse TARGET_UNAVAILABLE',
  ],
  'a store that will be full some day: nothing': [
    {
      backend: { type: 'awsSecretsManager', minimumWriteIntervalSeconds: 60 },
      observed: { state: refreshedState(250, 300) },
    },
    'refuse STORE_WRITE_BUDGET_EXCEEDED',
  ],
}

describe('before a refresh token is spent', () => {
  it.each(Object.entries(table))('%s', (_name, [given, expected]) => {
    expect(told(judge(given))).toBe(expected)
  })

  it('whose turn it is comes before everything that may be wrong with it', () => {
    const wrong = { found: { ...twin, ...unwritable }, record: { ...behind, ...intent({ holder: other }) } }
    expect(told(judge(wrong))).toBe('refuse REFRESH_TOKEN_OWNED')
  })

  it('what is written back is what the record retains', () => {
    const tokens = tokensOf()
    expect(judge({ record: { ...retained(newest, tokens), ...behind } })).toMatchObject({ tokens })
  })

  it('a paced store is written when it may be', () => {
    const record = { ...retained(newest, tokensOf(60)), ...behind, ...justWritten }
    const observed = { state: refreshedState(3000, 3600) }
    expect(judge({ record, backend: aws, observed })).toMatchObject({ storeWriteDueAt: inSeconds(840) })
  })

  it('who is at it is named, and looked for again after ten seconds', () => {
    const verdict = judge({ record: intent({ holder: other }) })
    expect(verdict).toMatchObject({ failure: { retryAfterSeconds: 10 } })
    expect(verdict.kind === 'refuse' && verdict.failure.message).toContain('Pod operator-b')
    const outside = judge({ record: intent({ holder: { journalId: 'j-7' } }) })
    expect(outside.kind === 'refuse' && outside.failure.message).toContain('the process with the journal j-7')
  })

  it('whose document it is, is named', () => {
    const verdict = judge({ claim: claimed() })
    expect(verdict.kind === 'refuse' && verdict.failure.message).toContain('OAuthCredential a/b of installation c')
  })

  it('both origins are named', () => {
    const verdict = judge({ record: { ...retained(inStore), origin }, provider: elsewhere })
    expect(verdict.kind === 'refuse' && verdict.failure.message).toContain(origin)
    expect(verdict.kind === 'refuse' && verdict.failure.message).toContain('https://other.example.com')
  })
})
