import { type Credential, refreshTokenSpec } from '../domain/credential.ts'
import type { AnsweredEntry, RequestEntry, SentEntry } from '../domain/journal-entry.ts'
import { askedServer } from '../domain/known-server.ts'
import { type Provider, providerText } from '../domain/provider.ts'
import type { SendAction } from '../domain/step.ts'
import type { TokenAnswer } from '../domain/token-exchange.ts'
import type { EpochSeconds } from '../domain/time.ts'
import { sealingKeyOf } from './execute-record.ts'

/** A request, as far as the journal has to know of it. */
export interface Sending {
  readonly send: SendAction
  readonly credential: Credential
  readonly provider: Provider
  readonly startedAt: EpochSeconds
}

/** The journal's entry of a request that is about to be made. */
export function sentEntry({ send, startedAt, ...asking }: Sending, sends: number): SentEntry {
  return {
    phase: 'sent',
    startedAt: send.earlier?.startedAt ?? startedAt,
    sends,
    ...entryBase(send, asking),
  }
}

/** The journal's entry of an answer that has just come from this provider. */
export function answeredEntry({ send, startedAt, ...asking }: Sending, answer: TokenAnswer): AnsweredEntry {
  const { provider } = asking
  return {
    phase: 'answered',
    startedAt,
    sends: earlierSends(send) + 1,
    answer,
    response: provider.response,
    provider: providerText(provider),
    ...announcement(send),
    ...entryBase(send, asking),
  }
}

/** What the journal has to know of a request, whatever came of it. */
function entryBase(
  { base }: SendAction,
  { credential: { uid, key, spec }, provider }: Pick<Sending, 'credential' | 'provider'>,
): Omit<RequestEntry, 'sends'> {
  const sealingKey = sealingKeyOf(base.claim)
  return {
    uid,
    credential: key,
    storeVersion: base.version,
    refreshToken: base.refreshToken,
    source: refreshTokenSpec({ spec }).refreshToken,
    server: askedServer(provider),
    ...(sealingKey && { sealingKey }),
  }
}

/** Of one that was presented before, an earlier intent may stand. */
function announcement({ record, earlier }: SendAction): Pick<AnsweredEntry, 'announced'> {
  return record === undefined && earlier !== undefined ? {} : { announced: record !== undefined }
}

/** How often the refresh token was presented before without an answer. */
export function earlierSends({ earlier }: SendAction): number {
  return earlier?.sends ?? 0
}
