import { type Credential, keyText } from './credential.ts'
import type { CredentialState } from './credential-state.ts'
import { type Failure, failure, retold } from './failures.ts'
import { stableFraction } from './stable-fraction.ts'
import { timeText } from './time-text.ts'
import { endOfTime, type EpochSeconds, later, seconds, secondsBetween, sooner } from './time.ts'
import { type StoreBackendType, storeText } from './token-store.ts'

/** The last look at the document of a static token. */
export interface StaticTokenLook {
  readonly at: EpochSeconds
  /** Version of the document that the access token at hand comes from. */
  readonly version?: string
}

const day = 86_400
const lookSeconds = 15
/** AWS Secrets Manager bills each look: one in five minutes is some cents a month. */
const billedLookSeconds = 300
/** Looks of many credentials drift apart by this share. */
const spread = 0.2

/** When a document is read again that holds a good token: in 12 to 15 seconds, or in 4 to 5 minutes where that costs money. */
export function nextLookAt(uid: string, { at }: StaticTokenLook, backend: StoreBackendType | undefined): EpochSeconds {
  const interval = backend === 'awsSecretsManager' ? billedLookSeconds : lookSeconds
  return later(at, seconds(interval * (1 - spread * stableFraction(uid, 0))))
}

/** The token in the target, as the status remembers it. */
type InTarget = Pick<CredentialState, 'accessTokenExpiresAt' | 'lastRefreshAt'>

/** From when on people are told that a token nears its end: a week before, or a third of the time that it is known for. */
export function warnsAt(state: InTarget): EpochSeconds | undefined {
  return beforeEnd(state, 7 * day, 1 / 3)
}

/** From when on nothing but a human helps: a day before the end, or a tenth of the time that the token is known for. */
export function endsAt(state: InTarget): EpochSeconds | undefined {
  return beforeEnd(state, day, 1 / 10)
}

function beforeEnd(
  { accessTokenExpiresAt: expiresAt, lastRefreshAt: knownSince }: InTarget,
  longest: number,
  share: number,
): EpochSeconds | undefined {
  if (expiresAt === undefined || knownSince === undefined || expiresAt >= endOfTime) return undefined
  const known = Math.max(0, secondsBetween(knownSince, expiresAt))
  return sooner(expiresAt, seconds(Math.min(longest, share * known)))
}

/** The failure of a token that is over, or so nearly that it has to be replaced now. The same text before and after. */
export function staticTokenOver({ key, spec }: Pick<Credential, 'key' | 'spec'>, expiresAt: EpochSeconds): Failure {
  if (spec.grant !== 'StaticToken') throw new Error(`a credential of the grant ${spec.grant} has no static token`)
  const { store, key: document } = spec.accessToken
  const where = storeText(store.kind === 'TokenStore' ? { ...store, namespace: key.namespace } : store)
  const what = `The static token of OAuthCredential ${keyText(key)}, in the document "${document}" of ${where}, has the expiry ${timeText(expiresAt)} and cannot be refreshed.`
  return failure('STATIC_TOKEN_EXPIRED', what)
}

/** What a store says of a document, as it is to be told of an access token that is only read there. */
export function asStaticTokenFailure(cause: Failure): Failure {
  switch (cause.code) {
    case 'REFRESH_TOKEN_MISSING':
      return retold(cause, 'STATIC_TOKEN_MISSING')
    case 'REFRESH_TOKEN_MALFORMED':
      return retold(cause, 'STATIC_TOKEN_MALFORMED')
    case 'STORE_FORBIDDEN':
      return retold(cause, cause.code, 'Grant the operator read on this key; it is tried again every minute.')
    default:
      return cause
  }
}
