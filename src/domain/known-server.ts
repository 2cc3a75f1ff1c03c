import { keyText } from './credential.ts'
import type { AskedServer, CredentialState } from './credential-state.ts'
import { type Failure, failure } from './failures.ts'
import type { JournalEntry } from './journal-entry.ts'
import type { Observed } from './observed.ts'
import type { Provider } from './provider.ts'
import { intentOn, type RefreshRecord } from './refresh-record.ts'
import { sameSecret, type Sensitive } from './sensitive.ts'
import { stableHash } from './stable-fraction.ts'
import { type Endpoints, tokenOrigin } from './token-origin.ts'
import { tokenMark } from './token-mark.ts'

// Which authorization servers have answered a credential, and which of its refresh tokens belongs to which of them.

/** As many as a status has room for; of earlier logins nothing is known. */
export const serverLimit = 8

type Server = Pick<Provider, 'client'> & Endpoints
type Known = Pick<CredentialState, 'servers'>

/** The server that a provider names, and the client. */
export function askedServer(provider: Server): AskedServer {
  const known = asked.get(provider)
  if (known !== undefined) return known
  const server = { origin: tokenOrigin(provider), digest: serverDigest(provider) }
  asked.set(provider, server)
  return server
}

/** Asked for a few times in a refresh, and the same for as long as a manifest stays. */
const asked = new WeakMap<Server, AskedServer>()

/** Who has given an answer, with the fingerprints of the token that was presented and of the one to present next: the same, where it stays. */
export interface Answering extends AskedServer {
  readonly presented: string
  readonly next: string
}

/** The servers once this one has answered. A token that was replaced belongs nowhere any more. Nobody knows who gave an old answer. */
export function answeredBy({ servers = [] }: Known, by: Answering | undefined): Known {
  if (by === undefined) return {}
  const { presented, next, ...server } = by
  const over = [presented, next].map(tokenMark)
  const others = servers.filter(({ mark }) => !over.includes(mark))
  return { servers: [...others, { ...server, mark: tokenMark(next) }].slice(-serverLimit) }
}

/** Where the journal says that this refresh token may have been presented. */
export function journaledOrigin(entry: JournalEntry | undefined, refreshToken: Sensitive): string | undefined {
  // What is about to be sent for the first time was sent nowhere yet.
  if (entry === undefined || (entry.phase === 'armed' && entry.sends < 2)) return undefined
  return sameSecret(entry.refreshToken, refreshToken) ? entry.server?.origin : undefined
}

/** True when it is this server that answered last, and this client. */
export function answeredLast({ servers = [] }: Known, provider: Server): boolean {
  return servers.at(-1)?.digest === askedServer(provider).digest
}

/** Where this refresh token was answered last, as far as the status tells. */
export function knownOrigin({ servers = [] }: Known, fingerprint: string): string | undefined {
  const mark = tokenMark(fingerprint)
  return servers.findLast((server) => server.mark === mark)?.origin
}

/** Where the record says that this token came from or, where it may have been presented, that it was. */
export function recordedOrigin(record: RefreshRecord, fingerprint: string, mayBeSent: boolean): string | undefined {
  const intent = mayBeSent ? intentOn(record, fingerprint) : undefined
  const origin = intent?.origin ?? record.origin
  const isKnown = intent !== undefined || fingerprint === record.retained?.fingerprint
  // Records of earlier versions have the query of an endpoint without a path in it.
  return isKnown && origin !== undefined ? tokenOrigin({ tokenEndpoint: origin }) : undefined
}

/** A refresh token goes only where it was sent before, which is `known`, unless a human has allowed another place. */
export function originChange(
  { credential: { key, allowedOrigin } }: Pick<Observed, 'credential'>,
  provider: Endpoints,
  known: string | undefined,
): Failure | undefined {
  const origin = tokenOrigin(provider)
  if (known === undefined || known === origin || allowedOrigin === origin) return undefined
  const what = `The refresh token of OAuthCredential ${keyText(key)} is for ${known}, and its provider now names ${origin}.`
  return failure('TOKEN_ORIGIN_CHANGED', what)
}

/**
 * Identifies the server, with the path that tells its tenants apart, and the client. How one of them handles refresh
 * tokens says nothing of another that the manifests name since. A query may be a secret, and stays out.
 */
function serverDigest({ client, issuer = '', tokenEndpoint = '', refreshEndpoint = '' }: Server): string {
  const endpoints = [issuer, tokenEndpoint, refreshEndpoint].map((url) => url.split('?', 1).join(''))
  return stableHash([client.id, ...endpoints].join('|'))
}
