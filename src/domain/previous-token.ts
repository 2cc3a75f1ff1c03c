import { outputKey, outputKeys } from './formats.ts'
import type { Target } from './credential.ts'
import type { CredentialState } from './credential-state.ts'
import type { Observed } from './observed.ts'
import type { PreviousKey } from './previous-key.ts'
import { providerText } from './provider.ts'
import { isRefusal } from './refusals.ts'
import { Sensitive, sameSecret } from './sensitive.ts'
import { act, rememberedFailure } from './settle.ts'
import type { Step } from './step.ts'
import type { TargetState } from './target-state.ts'
import { type EpochSeconds, later, seconds } from './time.ts'

/** Every data key of a target: those of its outputs, and the one of the previous access token. */
export function targetKeys({ outputs, previous }: Pick<Target, 'outputs' | 'previous'>): readonly string[] {
  return previous === undefined ? outputKeys(outputs) : [...outputKeys(outputs), previous.key]
}

/** Where the bare access token is; undefined for a target in which it is nowhere. */
export function bareTokenKey({ outputs }: Pick<Target, 'outputs'>): string | undefined {
  const bare = outputs.find((output) => 'format' in output && output.format === 'raw')
  return bare === undefined ? undefined : outputKey(bare)
}

/** What a publication is to do about the access token before it; undefined when the spec asks for nothing. */
export function previousKeyOf(observed: Observed): PreviousKey | undefined {
  const { target } = observed.credential.spec
  const from = bareTokenKey(target)
  if (target.previous === undefined || from === undefined) return undefined
  const known = rememberedFailure(observed.state)
  // Whoever was refused had a login that may be over by now, and its tokens with it.
  const wasRefused = known !== undefined && isRefusal(known)
  return { key: target.previous.key, from, isKept: !wasRefused && !endsWithRefresh(observed) }
}

/** True for a server at which a refresh ends the access token before. */
function endsWithRefresh({ provider }: Observed): boolean {
  return provider.kind === 'found' && provider.value.rotation.revokesPreviousAccessToken
}

/** Why the previous access token is never there, although the spec asks for it; a sentence for a condition. */
export function previousProblem(observed: Observed): string | undefined {
  const { provider, credential } = observed
  const { previous } = credential.spec.target
  if (previous === undefined || provider.kind !== 'found' || !endsWithRefresh(observed)) return undefined
  return (
    `The key ${previous.key} of spec.target.previous stays empty: rotation.revokesPreviousAccessToken of ` +
    `${providerText(provider.value)} says that a refresh ends the access token before it.`
  )
}

/** What a target holds of this credential, as far as it is as it was published. */
export interface FoundTokens {
  /** @see issuanceMark */
  readonly mark?: string
  readonly accessToken?: Sensitive
  readonly issuedAt?: EpochSeconds
  readonly expiresAt?: EpochSeconds
  readonly previous?: Sensitive
  readonly previousExpiresAt?: EpochSeconds
}

/** An access token that was replaced, and until when it is good. */
export interface PreviousToken {
  readonly value: Sensitive
  readonly expiresAt: EpochSeconds
}

interface NextToken {
  readonly mark: string | undefined
  readonly accessToken: Sensitive | undefined
  readonly issuedAt: EpochSeconds
}

/**
 * The access token that is the previous one once `next` is in the target: the one that is there, or, when that is
 * `next` itself, the one before. Never one of another login, client or server, nor one that is over, nor one whose
 * expiry is not known.
 */
export function previousToken(
  found: FoundTokens | undefined,
  next: NextToken,
  now: EpochSeconds,
): PreviousToken | undefined {
  if (found?.mark === undefined || found.mark !== next.mark) return undefined
  const candidate = isPublishedAgain(found, next)
    ? previousOf(found.previous, found.previousExpiresAt)
    : previousOf(found.accessToken, found.expiresAt)
  return candidate !== undefined && candidate.expiresAt > now ? candidate : undefined
}

function isPublishedAgain({ accessToken, issuedAt }: FoundTokens, next: NextToken): boolean {
  if (accessToken !== undefined && next.accessToken !== undefined) return sameSecret(accessToken, next.accessToken)
  // As targets keep times.
  return issuedAt !== undefined && Math.floor(issuedAt) === Math.floor(next.issuedAt)
}

function previousOf(value: Sensitive | undefined, expiresAt: EpochSeconds | undefined): PreviousToken | undefined {
  return value === undefined || expiresAt === undefined ? undefined : { value, expiresAt }
}

/** The files of a publication with the one of the previous access token, which is empty when there is none. */
export function withPreviousFile(
  files: ReadonlyMap<string, Sensitive>,
  key: string,
  previous: PreviousToken | undefined,
): ReadonlyMap<string, Sensitive> {
  return new Map([...files, [key, previous?.value ?? new Sensitive('')]])
}

/** The state with what a look at the target has shown of a previous access token there. */
export function withSeenPrevious(state: CredentialState, found: TargetState): CredentialState {
  const { previousExpiresAt: _believed, ...rest } = state
  const seen = found.kind === 'ours' ? found.previousExpiresAt : undefined
  return seen === undefined ? rest : { ...rest, previousExpiresAt: seen }
}

/** The check that ends a previous access token which is not to be in its target any more. */
export function previousOver(observed: Observed, now: EpochSeconds): Step | undefined {
  const { previousExpiresAt: endsAt } = observed.state
  const isOver = endsAt !== undefined && (endsAt <= now || endsWithRefresh(observed))
  return isOver && observed.previousTried !== true ? act(observed, { kind: 'end-previous' }) : undefined
}

/** How long a previous token that could not be taken out of its target waits for the next attempt. */
const retryAfter = seconds(60)

/** When to look after the previous access token again, whatever else is planned. */
export function previousLookAt(
  { previousExpiresAt }: Pick<CredentialState, 'previousExpiresAt'>,
  now: EpochSeconds,
): EpochSeconds | undefined {
  if (previousExpiresAt === undefined) return undefined
  return previousExpiresAt > now ? previousExpiresAt : later(now, retryAfter)
}

/** What is observed after it was tried to take a previous access token that is over out of the target. */
export function withoutPrevious(observed: Observed, isOut: boolean): Observed {
  if (!isOut) return { ...observed, previousTried: true }
  const { previousExpiresAt: _over, ...state } = observed.state
  return { ...observed, state, previousTried: true }
}
