import { rest } from './process.ts'
import { isOpenable } from './properties.ts'
import type { Settings } from './settings.ts'
import { at, claimOf, claims, holders, isOurs, isSpent, type Replica, replicaOf, tokenOf, type World } from './world.ts'

/** Why a credential waits for a human. */
export const stalls = { missing: 1, owned: 2, rolledBack: 3, refused: 4 } as const

/** Step 3, with the document that was read and the record as it is now. */
export function judge(next: World, settings: Settings, i: number): void {
  const r = replicaOf(next, i)
  const { guards } = settings
  r.recordFresh = 1
  if (tokenOf(r.document) === 0) return stall(next, i, stalls.missing)
  const claim = claimOf(r.document)
  if (claim === claims.other && guards.claimHonoured) return stall(next, i, stalls.owned)
  if (claim === claims.none && guards.claimBeforeSpending) {
    r.at = at.claim
    return
  }
  judgeToken(next, settings, i)
}

function judgeToken(next: World, settings: Settings, i: number): void {
  const r = replicaOf(next, i)
  r.base = tokenOf(r.document)
  if (!isBehind(next, settings, r)) return judgeIntent(next, settings, i)
  if (!isOpenable(next, r.document)) return stall(next, i, stalls.rolledBack)
  r.base = next.record.retained
  if (settings.paced === true) return judgeIntent(next, settings, i)
  r.at = at.rollForward
}

/** The store has a refresh token that is not the newest any more. */
function isBehind({ record }: World, { guards }: Settings, r: Replica): boolean {
  const token = tokenOf(r.document)
  if (guards.spentNotPresented && isSpent(record, token)) return true
  // The number of a token stands for the generation that we write beside it.
  return guards.generationCompared && isOurs(r.document) && token < record.retained
}

function judgeIntent(next: World, settings: Settings, i: number): void {
  const r = replicaOf(next, i)
  const { record } = next
  if (record.refused === r.base) return stall(next, i, stalls.refused)
  if (record.intent === r.base && record.holder !== i + 1) {
    if (record.holder !== holders.nobody && !mayTakeOver(next, settings)) return rest(r)
  }
  r.at = settings.guards.documentProvenAfterRecord ? at.prove : at.journalArmed
}

function mayTakeOver(next: World, { guards }: Settings): boolean {
  if (!guards.armedIntentRespected) return true
  const gone = isGone(next) || !guards.takeoverNeedsHolderGone
  return gone && (next.record.age === 1 || !guards.takeoverWaits)
}

function isGone({ record, replicas }: World): boolean {
  return record.holder === holders.gone || replicas[record.holder - 1]?.zombie === 1
}

function stall(next: World, i: number, reason: number): void {
  const r = replicaOf(next, i)
  if (next.around.leader === i + 1) r.stalled = reason
  rest(r)
}
