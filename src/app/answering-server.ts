import type { AskedServer } from '../domain/credential-state.ts'
import type { Answering } from '../domain/known-server.ts'
import type { Sensitive } from '../domain/sensitive.ts'
import type { TokenAnswerReading } from '../domain/token-exchange.ts'
import type { Deps } from './deps.ts'

/** Who has given an answer, as far as it tells of a refresh token to present next. `server` is absent in journals of earlier versions. */
export function answeringServer(
  server: AskedServer | undefined,
  { reading, presented }: { readonly reading: TokenAnswerReading; readonly presented: Sensitive },
  { records }: Deps,
): { readonly by?: Answering } {
  const refreshToken = reading.kind === 'issued' ? (reading.tokens.refreshToken ?? presented) : reading.refreshToken
  if (server === undefined || refreshToken === undefined) return {}
  return { by: { ...server, presented: records.fingerprint(presented), next: records.fingerprint(refreshToken) } }
}
