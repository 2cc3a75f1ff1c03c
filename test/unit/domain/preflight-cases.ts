import type { ClaimState, TokenMark } from '../../../src/domain/document-claim.ts'
import { failure, type FailureCode } from '../../../src/domain/failures.ts'
import type { Observed } from '../../../src/domain/observed.ts'
import { judgePreflight, type Preflight, type Verdict } from '../../../src/domain/preflight.ts'
import type { Provider } from '../../../src/domain/provider.ts'
import { newRecord, type RefreshIntent, type RefreshRecord } from '../../../src/domain/refresh-record.ts'
import { failed, ok } from '../../../src/domain/result.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import type { StoreBackend } from '../../../src/domain/token-store.ts'
import type { RotatedTokens } from '../../../src/domain/tokens.ts'
import {
  aCredential,
  anAccessToken,
  anObservation,
  aProvider,
  aStore,
  aStoredToken,
  inSeconds,
  noon,
} from '../../support/builders.ts'
import { canary, observeOutput } from '../../support/canary.ts'

const { uid, key, spec } = aCredential()
export const source = spec.refreshToken
const stored = aStoredToken()
export const self = { journalId: 'self', pod: { name: 'operator-a', uid: 'a' } }
export const other = { journalId: 'other', pod: { name: 'operator-b', uid: 'b' } }
/** As the fingerprints of these tests are called. */
export const [inStore, newest, older] = ['in the store', 'the newest', 'an older one']

export interface Case {
  readonly observed?: Partial<Observed>
  readonly record?: Partial<RefreshRecord>
  readonly found?: Partial<Preflight>
  readonly claim?: ClaimState
  readonly provider?: Partial<Provider>
  readonly backend?: StoreBackend
}

export function judge({ observed = {}, record = {}, found = {}, claim, provider, backend }: Case): Verdict {
  const preflight: Preflight = {
    record: ok({ ...newRecord(uid, key), ...record }),
    before: [],
    fingerprint: inStore,
    writable: ok(undefined),
    target: ok(undefined),
    self,
    holdersAreOver: false,
    refusedElsewhere: [],
    holderIsSilent: false,
    ownership: { isOwn: false, ownerYields: false },
    ...found,
  }
  const subject = {
    provider: aProvider(provider),
    store: aStore(backend && { backend }),
    stored: { ...stored, ...(claim && { claim }) },
  }
  return judgePreflight(anObservation(observed), preflight, subject, noon)
}

export function told(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'refuse':
      observeOutput('message of a failure', verdict.failure.message)
      return `refuse ${verdict.failure.code}`
    case 'claim':
      return 'claim'
    case 'recover':
      return verdict.persisted
        ? 'publish'
        : verdict.storeWriteDueAt === undefined
          ? `write back${verdict.tokens.accessToken === undefined ? ' the refresh token alone' : ''}`
          : 'publish, write later'
    case 'send':
      return `send ${verdict.base.refreshToken === stored.refreshToken ? 'the stored' : 'the retained'}${sendsOf(verdict)}`
  }
}

function sendsOf({ earlier }: Extract<Verdict, { kind: 'send' }>): string {
  return earlier === undefined ? '' : ` again after ${earlier.sends}`
}

export function broken(code: FailureCode): { readonly ok: false; readonly failure: ReturnType<typeof failure> } {
  return failed(failure(code, 'It was tried.'))
}

/** Tokens that came `ago` seconds ago and live for an hour. */
export function tokensOf(ago = 600): RotatedTokens {
  const accessToken = { ...anAccessToken(inSeconds(3600 - ago)), issuedAt: inSeconds(-ago) }
  return { accessToken, refreshToken: new Sensitive(canary('rt')) }
}

export function retained(fingerprint: string, tokens: RotatedTokens | undefined = tokensOf()): Partial<RefreshRecord> {
  return { retained: { fingerprint, source, ...(tokens && { tokens }) } }
}

export function unopened(fingerprint: string): Partial<RefreshRecord> {
  return { retained: { fingerprint, source, sealed: 'x' } }
}

export function intent(changes: Partial<RefreshIntent> = {}, of = inStore): Partial<RefreshRecord> {
  return { intent: { fingerprint: of, source, startedAt: inSeconds(-100), sends: 1, ...changes } }
}

export function claimed(mark?: TokenMark): ClaimState {
  const claim = { owner: 'o', ownerName: 'OAuthCredential a/b of installation c', sealingKey: new Sensitive('k') }
  return { kind: 'claimed', claim: { ...claim, ...(mark && { mark }) } }
}

export function journal(phase: 'armed' | 'sent', sends: number): Partial<Observed> {
  const { refreshToken, version: storeVersion } = stored
  const startedAt = inSeconds(-50)
  return { journal: { phase, uid, credential: key, storeVersion, refreshToken, source, sends, startedAt } }
}
