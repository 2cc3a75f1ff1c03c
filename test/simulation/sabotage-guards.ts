import { scheduleGuards } from './sabotage-guards-of-schedules.ts'
import { answerGuards } from './sabotage-guards-of-answers.ts'
import { heirGuards } from './sabotage-guards-of-heirs.ts'
import { type Guard, guard, testedGuard } from './sabotage-guard.ts'

/** Those that keep two from spending one refresh token. */
const spendingGuards: readonly Guard[] = [
  guard(
    'a request leaves only with its intent in the record',
    'app/announce-request.ts',
    '  if (!armed.ok) return armed\n  attempt.armed = armed.value\n',
    '  if (armed.ok) attempt.armed = armed.value\n',
  ),
  guard(
    'a server that may rotate is asked with an intent only',
    'domain/preflight.ts',
    'return mayRotate(observed, provider) || asksForOwnership(observed)',
    'return asksForOwnership(observed)',
  ),
  testedGuard(
    'test/unit/domain/rotation.test.ts',
    'a server of which nothing is known is taken for one that rotates',
    'domain/rotation.ts',
    "return mode === 'Detect' ? !hasKept(state, provider, recorded) : mode === 'Always'",
    "return mode === 'Detect' ? state.rotates === true : mode === 'Always'",
  ),
  guard(
    "another process's intent is respected",
    'domain/uncertainty.ts',
    "return { kind: 'held', holder: latest.holder }",
    "return { kind: 'none' }",
  ),
  guard(
    'an intent is taken over only when its holder is gone',
    'app/execute-preflight.ts',
    'if (!gone.ok || !gone.value) return false',
    'if (!gone.ok) return false',
  ),
  guard(
    'an intent is taken over only after the time of a request',
    'app/execute-preflight.ts',
    'if (watchedMs(watch, deps) < intentOverMs) return false',
    'if (deps.clock.monotonicMs() < 0) return false',
  ),
  testedGuard(
    'test/app/replicas.test.ts',
    'a request is not sent long after its intent',
    'app/announce-request.ts',
    'return deps.clock.monotonicMs() - intendedMs >= sendWindowMs ? tooLate(observed) : undefined',
    'return undefined',
  ),
  guard(
    'a request is in the journal before it leaves',
    'app/announce-request.ts',
    '  return deps.journal.sent(sentEntry(attempt, earlierSends(send) + 1))\n',
    '  return { ok: true, value: undefined }\n',
  ),
  guard(
    'what was replaced is remembered as spent',
    'domain/succession.ts',
    'const replaced = [...fingerprintsOf(over), record.retained?.fingerprint, presented].filter(\n    (spent) => spent !== undefined,\n  )',
    'const replaced: string[] = []',
  ),
  guard(
    'a spent refresh token is not presented',
    'domain/preflight.ts',
    'if (isBehind(observed, record, found, subject)) return storeBehind',
    'if (record.epoch < 0) return storeBehind',
  ),
  guard(
    'a late answer does not replace the tokens of a later one',
    'domain/succession.ts',
    '  return [presented, retained.fingerprint].every((one) => intentOn(record, one) === undefined)',
    '  return [presented, retained.fingerprint].every((one) => one === undefined)',
  ),
  guard(
    'a claim of another owner is respected',
    'domain/ownership.ts',
    '  return owned(observed, claim.claim.ownerName)\n',
    '  return undefined\n',
  ),
  guard(
    'an owner that exists is not taken for gone',
    'domain/ownership.ts',
    'return ownerYields || asksForOwnership(observed)',
    'return true',
  ),
  testedGuard(
    'test/app/ownership.test.ts',
    'of two at one place the first one goes first',
    'domain/checks.ts',
    "  if (firstOwner === undefined || provider.kind !== 'found' || !mayBeAnnounced(provider)) return undefined\n  const cause",
    "  if (provider.kind === 'found' || firstOwner === undefined) return undefined\n  const cause",
  ),
  guard(
    'the record is replaced by the version that was seen',
    'app/execute-record.ts',
    '  const next = armed(record, { ...intent, holder: deps.holders.self }, place)\n  return deps.records.replace(next, sealingKey)\n',
    `  const next = armed(record, { ...intent, holder: deps.holders.self }, place)
  return deps.records.read({ uid: record.uid, credential: record.credential }, sealingKey).then((now) =>
    now.ok ? deps.records.replace({ ...next, version: now.value?.version ?? '' }, sealingKey) : now,
  ) as Promise<Result<RefreshRecord>>
`,
  ),
  guard(
    'a failed arm drops the record that it was tried with',
    'app/execute-send.ts',
    "  if (armed === 'unknown') return undefined\n",
    "  if (armed === 'unknown') return send.record\n",
  ),
  guard(
    'an intent that led to nothing is taken back',
    'app/execute-record.ts',
    'return lastly(before === undefined ? next : { ...next, intent: before }, sealingKey, deps)',
    'return lastly(record, sealingKey, deps)',
  ),
  guard(
    'spent refresh tokens are remembered for long',
    'domain/spent-tokens.ts',
    'let over = all.length - spentLimit\n',
    'let over = all.length - 1\n',
  ),
  guard(
    "another process's intent is read anew",
    'app/execute-preflight.ts',
    'if (isHeldByOthers(known, deps) || isClosed(known)) return false',
    'if (isClosed(known)) return false',
  ),
]

/** Those that keep others from waiting for a process that is at nothing any more. */
const waitingGuards: readonly Guard[] = [
  testedGuard(
    'test/app/ownership.test.ts',
    'what another credential at the same place may be at is not presented',
    'app/neighbours.ts',
    '  const intent = intentOn(record, fingerprint)\n',
    '  const intent = isFirst ? intentOn(record, fingerprint) : undefined\n',
  ),
  testedGuard(
    'test/app/ownership.test.ts',
    'of two credentials at one place that begin at the same time, not both send',
    'app/last-look.ts',
    '  if (owner !== undefined) return failed',
    '  if (owner === null) return failed',
  ),
  testedGuard(
    'test/unit/domain/refresh-record.test.ts',
    'a lost answer leaves the record without a holder',
    'domain/refresh-record.ts',
    '  return { ...record, intent }\n',
    '  return record\n',
  ),
  testedGuard(
    'test/app/elsewhere.test.ts',
    'an intent of an earlier process is taken back at the start',
    'app/recover-journal.ts',
    '  return intent?.holder?.journalId === holders.self.journalId ? intent : undefined\n',
    '  return intent?.holder?.journalId === holders.toString() ? intent : undefined\n',
  ),
  testedGuard(
    'test/app/ownership.test.ts',
    'the tokens of one credential are not counted in the claim of another',
    'app/execute-write-back.ts',
    'isClaimedByAnother(base, observed, deps) ? undefined : markOf(',
    'isToBeReadBack.length === 0 ? undefined : markOf(',
  ),
  testedGuard(
    'test/app/neighbours.test.ts',
    'whoever stands back for another credential gives the refresh token up',
    'app/execute-preflight.ts',
    'deps.tokenOwners.gaveUp(fingerprint, credential)\n  await',
    'await',
  ),
]

/**
 * Guards that the simulation, or a test that they name, must miss when they are gone. What is not here is proven by other tests, or
 * protects nothing that the records do not protect as well: the Lease is such a thing.
 */
export const guards: readonly Guard[] = [
  ...spendingGuards,
  ...answerGuards,
  ...waitingGuards,
  ...scheduleGuards,
  ...heirGuards,
]
