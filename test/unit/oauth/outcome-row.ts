import type { FailureCode } from '../../../src/domain/failures.ts'
import type { NextStep } from '../../../src/domain/failure-registry.ts'
import type { Provider } from '../../../src/domain/provider.ts'
import type { Result } from '../../../src/domain/result.ts'
import type { HttpTokenEndpointOptions } from '../../../src/adapters/oauth/http-token-endpoint.ts'
import { httpAnswer, type Script, type ScriptedTokenEndpointOptions } from '../../support/scripted-token-endpoint.ts'

/** Whether the refresh token of the request may be presented again. */
export type Again =
  /** It is unused. */
  | 'yes'
  /** It is unused or it is not the reason, and nothing changes by itself: it is tried now and then. */
  | 'after a fix'
  /** It may be used: once, soon. */
  | 'once more'
  /** It may be used, and the server answers again for a while. */
  | 'within the leeway'
  /** It may be used, and time changes nothing: once, when the access token is nearly over. */
  | 'near the end'
  /** It is dead, or a thief would do it. */
  | 'never'
  /** Its successor is here, and is kept. */
  | 'the successor'
  /** The server did not replace it. */
  | 'as before'

/** Where a request goes wrong, or what is answered. */
export interface Scene {
  readonly server?: ScriptedTokenEndpointOptions
  /** Of the provider; the address of the server is filled in. */
  readonly provider?: Partial<Provider>
  readonly endpoint?: Partial<HttpTokenEndpointOptions>
  /** `https` to a server that may not speak it, another host, nobody at the port. */
  readonly address?: (url: string) => string
  readonly beforeSend?: () => Promise<Result<void>>
  /** Sends of the same refresh token before this one, whose answers were lost. */
  readonly earlierSends?: number
}

/** What happens · class · policy · may the same refresh token be presented again. */
export type Row = readonly [
  what: string,
  scene: Scene,
  code: FailureCode | 'issued',
  next: NextStep | '-',
  again: Again,
]

/** A whole answer. Bodies that are not text become JSON. */
export function answered(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Scene {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return does((socket) => socket.end(httpAnswer(status, text, headers)))
}

/** The answer with `error`, as RFC 6749 §5.2 has it. */
export function refused(status: number, error: string, more: object = {}): Scene {
  return answered(status, { error, ...more })
}

/** What the server does once it has the whole request. */
export function does(script: Script): Scene {
  return { server: { script } }
}
