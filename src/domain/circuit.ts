import type { HostSign } from './host-sign.ts'

/**
 * Keeps requests from a host that does not answer.
 *
 * Closed, it counts signs that the host is down, and any sign that it is up ends the count. Open, no
 * request is made until `untilMs`; from then on one at a time is, to see (half-open). Pure; times in
 * milliseconds of a clock that never jumps.
 */
export type Circuit = ClosedCircuit | OpenCircuit

interface ClosedCircuit {
  readonly kind: 'closed'
  /** Connections that failed since the last sign of life. */
  readonly unreached: number
  /** Credentials whose requests failed otherwise since then. Each counts once: it may be the only one with that trouble. */
  readonly failing: readonly string[]
  /** How often it opened without a lasting recovery in between. */
  readonly openings: number
}

interface OpenCircuit {
  readonly kind: 'open'
  readonly untilMs: number
  readonly openings: number
}

export type CircuitState = 'closed' | 'half-open' | 'open'

export interface SignContext {
  /** Whose request showed it. */
  readonly uid: string
  readonly nowMs: number
  /** In [0, 1): spreads the probes of many. */
  readonly fraction: number
  /** True when the host has just come back: then one failure says enough, and success is no lasting recovery yet. */
  readonly isRecovering: boolean
  /** True when somebody else has found the host down: then one failure says enough. */
  readonly isCorroborated: boolean
}

const failuresToOpen = 5
const firstOpenMs = 10_000
/** A connection that fails uses up no refresh token, so that may be tried often. */
const longestUnreachedMs = 60_000
/** A request without an answer may use one up. */
const longestOpenMs = 300_000
const jitterShare = 0.2

export const closedCircuit: ClosedCircuit = { kind: 'closed', unreached: 0, failing: [], openings: 0 }

export function circuitState(circuit: Circuit, nowMs: number): CircuitState {
  if (circuit.kind === 'closed') return 'closed'
  return nowMs < circuit.untilMs ? 'open' : 'half-open'
}

/** The circuit after a request has shown something of the host. */
export function afterSign(circuit: Circuit, sign: HostSign, context: SignContext): Circuit {
  switch (sign) {
    case 'none':
      return circuit
    case 'up':
      // What fails again soon goes on where it was.
      return { ...closedCircuit, openings: circuit.kind === 'open' || context.isRecovering ? circuit.openings : 0 }
    case 'unreached':
    case 'down':
      return afterFailure(circuit, sign, context)
  }
}

function afterFailure(circuit: Circuit, sign: 'unreached' | 'down', context: SignContext): Circuit {
  if (circuit.kind === 'open') {
    // A request that was under way when it opened says nothing new.
    return circuitState(circuit, context.nowMs) === 'open' ? circuit : open(circuit, sign, context)
  }
  const { failing } = circuit
  const counted: ClosedCircuit = {
    ...circuit,
    unreached: circuit.unreached + (sign === 'unreached' ? 1 : 0),
    failing: sign === 'down' && !failing.includes(context.uid) ? [...failing, context.uid] : failing,
  }
  const failures = counted.unreached + counted.failing.length
  const enough = context.isRecovering || context.isCorroborated ? 1 : failuresToOpen
  return failures >= enough ? open(counted, sign, context) : counted
}

function open({ openings }: Circuit, sign: 'unreached' | 'down', { nowMs, fraction }: SignContext): OpenCircuit {
  const longest = sign === 'unreached' ? longestUnreachedMs : longestOpenMs
  const delay = Math.min(longest, firstOpenMs * 2 ** Math.min(openings, 10))
  return { kind: 'open', untilMs: nowMs + delay * (1 + jitterShare * fraction), openings: openings + 1 }
}

/** A neighbour has found the host up: the next probe is due. */
export function probeNow(circuit: Circuit, nowMs: number): Circuit {
  return circuit.kind === 'open' ? { ...circuit, untilMs: Math.min(circuit.untilMs, nowMs) } : circuit
}
