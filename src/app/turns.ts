import { keyText } from '../domain/credential.ts'
import type { Failure } from '../domain/failures.ts'
import { beginsRefresh, circuitOpen, hostPaused, settleHeld } from '../domain/hold.ts'
import { hostPause, hostSign } from '../domain/host-sign.ts'
import type { Observed } from '../domain/observed.ts'
import { present } from '../domain/present.ts'
import type { Provider } from '../domain/provider.ts'
import type { Step } from '../domain/step.ts'
import type { TokenExchange } from '../domain/token-exchange.ts'
import { earliest, type EpochSeconds, later, minutes, seconds } from '../domain/time.ts'
import type { Deps } from './deps.ts'
import type { Shown, TurnRequest, Wait } from './token-hosts.ts'

/** How long after its turn may have come a credential looks for itself, should nobody have woken it. */
const lookAfter = minutes(5)

/** Lets a step that begins a refresh through when it is the credential's turn at its token host; otherwise the credential waits. */
export function atItsTurn(step: Step, observed: Observed, deps: Pick<Deps, 'tokenHosts' | 'clock'>): Step {
  const { provider } = observed
  if (step.kind !== 'act' || !beginsRefresh(step.action) || provider.kind !== 'found') return step
  const wait = deps.tokenHosts.ask(turnRequest(observed, provider.value))
  if (wait === undefined) return step
  const cause = wait.kind === 'busy' ? {} : { cause: waitFailure(wait, observed, provider.value) }
  return settleHeld(observed, step.progress, { ...cause, lookAt: lookAt(wait, deps) }, deps.clock.now())
}

export function turnRequest({ credential, state }: Observed, provider: Provider): TurnRequest {
  const { key, uid, createdAt } = credential
  // Nothing published yet is the most urgent, and of the login to use nothing is.
  const end = state.accessTokenExpiresAt ?? createdAt
  const deadline = state.loginReplacedAt === undefined ? end : earliest(state.loginReplacedAt, end)
  return { key: keyText(key), uid, namespace: key.namespace, provider, deadline }
}

/** What an exchange says of the token host; `cause`: why it brought no tokens. */
export function shownBy(exchange: TokenExchange, cause: Failure | undefined): Shown {
  return present({ sign: hostSign(exchange, cause), pause: hostPause(exchange, cause) })
}

export function waitFailure({ kind }: Wait, observed: Observed, provider: Provider): Failure {
  return kind === 'paused' ? hostPaused(observed, provider) : circuitOpen(observed, provider)
}

function lookAt({ untilMs }: Wait, { clock }: Pick<Deps, 'clock'>): EpochSeconds {
  const untilTurn = seconds(Math.max(0, untilMs - clock.monotonicMs()) / 1000)
  return later(later(clock.now(), untilTurn), lookAfter)
}
