import { expect, it } from 'vitest'
import { afterPublication } from '../../../src/domain/conclude.ts'
import { failure } from '../../../src/domain/failures.ts'
import type { PendingTokens } from '../../../src/domain/observed.ts'
import { newRecord, type RefreshRecord } from '../../../src/domain/refresh-record.ts'
import { failed, ok } from '../../../src/domain/result.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import type { Progress, Step } from '../../../src/domain/step.ts'
import {
  aCredential,
  anAccessToken,
  anObservation,
  aStoredToken,
  noon,
  refreshedState,
} from '../../support/builders.ts'
import { canary } from '../../support/canary.ts'

const { uid, key, spec } = aCredential()
const source = spec.refreshToken
const refreshToken = new Sensitive(canary('rt'))
const accessToken = anAccessToken()

/** An answer that was in a journal alone while another process presented its refresh token. */
function lateTokens(changes: Partial<RefreshRecord>): Progress {
  const pending: PendingTokens = {
    tokens: { accessToken, refreshToken },
    base: aStoredToken(),
    source,
    presented: new Sensitive(canary('rt')),
    persisted: true,
    recorded: true,
    behindSince: noon,
    published: false,
    writeBackFailures: 0,
  }
  const record = { ...newRecord(uid, key), epoch: 2, retained: { fingerprint: 'newest', source }, ...changes }
  return { state: refreshedState(2400, 3600), pending, accessToken, record }
}

const refused = { fingerprint: 'newest', code: 'REFRESH_ANSWER_LOST' } as const
const holder = { journalId: 'other' }
const left = { fingerprint: 'newest', source, startedAt: noon, sends: 1 }
const held = { ...left, holder }

function settlementOf(step: Step): unknown {
  return step.kind === 'settled' ? step.settlement : step
}

it.each<[string, Partial<RefreshRecord>, object]>([
  ['that was refused', { refused }, { kind: 'stalled', failure: { code: 'REFRESH_ANSWER_LOST' } }],
  ['that another process is at', { intent: held }, { kind: 'retrying', failure: { code: 'REFRESH_UNDER_WAY' } }],
  [
    'to whose presentation another process has lost the answer',
    { intent: left },
    { kind: 'retrying', failure: { code: 'TOKEN_RESULT_UNKNOWN' } },
  ],
  ['that nobody has presented', {}, { kind: 'fine' }],
])(
  'the late tokens with a refresh token %s are published, and that is told, at the second try too',
  (_, changes, told) => {
    const observed = anObservation()
    const first = afterPublication(
      observed,
      lateTokens(changes),
      failed(failure('TARGET_UNAVAILABLE', 'The target could not be reached.')),
      noon,
    )
    expect(settlementOf(first)).toMatchObject({ kind: 'retrying', failure: { code: 'TARGET_UNAVAILABLE' } })
    const second = afterPublication(observed, first.progress, ok({ change: 'changed' }), noon)
    expect(settlementOf(second)).toMatchObject(told)
  },
)
