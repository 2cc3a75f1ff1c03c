import { type Guard, guard, testedGuard } from './sabotage-guard.ts'

/** Those that make everything happen in the end, and tell the truth about it. */
export const scheduleGuards: readonly Guard[] = [
  guard(
    'a credential that stalls looks again',
    'domain/settle.ts',
    'wakeAt: wakeBeforeExpiry(progress.state, later(now, delay), now),',
    'wakeAt: later(now, seconds(delay * 1e6)),',
  ),
  guard(
    'a failure is tried again',
    'domain/settle.ts',
    '    wakeAt: wakeBeforeExpiry(progress.state, earliest(at, nextLook(observed, at, now)), now),\n',
    '    wakeAt: later(now, seconds(1e6)),\n',
  ),
  guard('a target that is gone is found', 'app/gather.ts', '  if (now >= observed.targetCheckAt) return true\n', ''),
  guard(
    'Stalled and Reconciling exclude each other',
    'domain/conditions.ts',
    "if (settlement.kind !== 'retrying') return undefined\n",
    "if (!('failure' in settlement)) return undefined\n",
  ),
  guard(
    'the queue goes on after each key',
    'app/work-queue.ts',
    '    if (at !== undefined) this.#wakes.set(key, epochSeconds(at))\n    this.#arm()\n',
    '    if (at !== undefined) this.#wakes.set(key, epochSeconds(at))\n',
  ),
  guard(
    'a refresh is planned before the access token ends',
    'domain/settle.ts',
    'const planned = earliest(due ?? now, progress.pending?.storeWriteDueAt ?? observed.targetCheckAt)\n',
    'const planned = later(due ?? now, seconds(1e6))\n',
  ),
  guard(
    'backoff has an end',
    'domain/backoff.ts',
    'const longestDelaySeconds = 300\n',
    'const longestDelaySeconds = 300_000\n',
  ),
  guard(
    'a status does not call a token valid that is over',
    'domain/conditions.ts',
    '  if (expiresAt !== undefined && expiresAt > now) {\n',
    '  if (expiresAt !== undefined || now > 0) {\n',
  ),
  testedGuard(
    'test/app/replaced-logins.test.ts',
    'what a clock that ran ahead has told keeps nobody waiting',
    'domain/near-end.ts',
    'return earliest(loginReplacedAt, now)',
    'return loginReplacedAt',
  ),
  testedGuard(
    'test/app/target-order.test.ts',
    'a token and a leeway count from when the connection stands',
    'app/announce-request.ts',
    '  attempt.startedAt = deps.clock.now()\n  attempt.intendedMs = deps.clock.monotonicMs()\n  const announced',
    '  attempt.intendedMs = deps.clock.monotonicMs()\n  const announced',
  ),
]
