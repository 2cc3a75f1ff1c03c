import { type Guard, rareGuard, testedGuard } from './sabotage-guard.ts'

/** Those that let a credential know what others did with its refresh token before it was there. */
export const heirGuards: readonly Guard[] = [
  rareGuard(
    411,
    'what a predecessor knew is inherited',
    'app/inherit-record.ts',
    '    record: inherited(known.record, left, inheritance),\n',
    '    record: known.record,\n',
  ),
  rareGuard(
    1763,
    'whoever was at it for a predecessor is waited for',
    'app/inherit-record.ts',
    '    if (!(await isOverFor(holder, left, deps))) return',
    '    if (deps.clock.monotonicMs() < 0) return',
  ),
  rareGuard(
    1515,
    'whoever is let go leaves word that nobody is at its refresh token',
    'app/reconcile.ts',
    "entry.phase === 'answered' ? await deps.journal.settled(uid) : await recoverEntry(entry, deps)",
    'await deps.journal.settled(uid)',
  ),
  testedGuard(
    'test/app/heirs.test.ts',
    'the records of predecessors are looked at once more, and over, before anything is sent',
    'app/last-look.ts',
    '  if (!settled.ok) return settled\n  const neighbours',
    '  if (deps.clock.monotonicMs() < 0) return settled\n  const neighbours',
  ),
  testedGuard(
    'test/app/late-watches.test.ts',
    'a record is made for a credential that is there',
    'app/last-look.ts',
    '  if (!confirmed.ok) return confirmed\n',
    '  if (deps.clock.monotonicMs() < 0) return confirmed\n',
  ),
  testedGuard(
    'test/app/neighbours.test.ts',
    'what a neighbour used up is known to whoever has gone on with its login',
    'app/execute-preflight.ts',
    'record.spent.includes(fingerprint) && continues(own, record)',
    'record.epoch < 0 && continues(own, record)',
  ),
  testedGuard(
    'test/app/neighbours.test.ts',
    'what a neighbour used up is its own affair as long as it has tokens of its own',
    'domain/inherited-record.ts',
    "return own.spent.includes(retained.fingerprint) && !spent.includes(own.retained?.fingerprint ?? '')",
    'return own.epoch >= 0 && spent.length > 0',
  ),
]
