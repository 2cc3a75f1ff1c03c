import { isGivenAgain } from './authorization-server.ts'
import type { Settings } from './settings.ts'
import {
  at,
  claimOf,
  currentDocument,
  isRevoked,
  loginOf,
  newestOf,
  type Replica,
  tokenOf,
  type World,
} from './world.ts'

/** The first violation of a transition is the one that counts. */
function violate(next: World, text: string): void {
  if (next.marks.violation === '') next.marks.violation = text
}

/** What is said of a refresh token that is about to be sent by a replica, or by another cluster (-1). */
export function checkSend(next: World, sender: number, token: number): void {
  const login = loginOf(token)
  if (isRevoked(next, token) || next.server.lost[login] === 1) return
  const harm = harmOf(next, sender, token)
  if (harm === '') return
  if (isExcused(next)) next.marks.spentIn = next.around.rolledBack === 1 ? 5 : 4
  else violate(next, `harmful double spend: ${harm}`)
}

function harmOf(next: World, sender: number, token: number): string {
  if (successorExists(next, token)) return 'a copy of the successor exists'
  return anotherListens(next, sender, token) ? 'the same token is under way and its answer is awaited' : ''
}

/** A process was paused past the fence (W4), or every shared copy was rolled back (W5). */
function isExcused(next: World): boolean {
  return next.around.rolledBack === 1 || next.around.overrun === 1 || someoneLate(next)
}

function someoneLate(next: World): boolean {
  return next.replicas.some((r) => r.late === 1 || r.orphanLate === 1)
}

function anotherListens(next: World, sender: number, token: number): boolean {
  return next.replicas.some((r, i) => i !== sender && r.flight === 1 && r.base === token)
}

function successorExists(next: World, token: number): boolean {
  const newer = (other: number): boolean => other > token && loginOf(other) === loginOf(token)
  if (newer(tokenOf(currentDocument(next))) || newer(next.record.retained)) return true
  return next.replicas.some((r) => newer(held(r)) || newer(r.reply))
}

/** The refresh token that this process, or its journal, has of an answer. */
function held(r: Replica): number {
  return r.at === at.down && r.journal !== 3 ? 0 : r.answer
}

function exists(next: World, token: number): boolean {
  if (tokenOf(currentDocument(next)) === token) return true
  if (next.record.retained === token && isOpenable(next)) return true
  return next.replicas.some((r) => held(r) === token || r.reply === token)
}

/** The sealing key of the retained tokens is in the document. */
export function isOpenable({ record, store }: World, document = store.documents[store.count - 1] ?? 0): boolean {
  return record.retained !== 0 && record.sealedBy === claimOf(document)
}

/** Newest token of each login that the store or the record has. */
export function newestShared(next: World, login: number): number {
  const stored = tokenOf(currentDocument(next))
  const retained = isOpenable(next) ? next.record.retained : 0
  return Math.max(loginOf(stored) === login ? stored : 0, loginOf(retained) === login ? retained : 0)
}

/** Finds logins whose newest refresh token is gone or dead since this transition, and names the window. */
export function findLosses(next: World, settings: Settings): void {
  for (let login = 0; login < 2; login++) {
    const newest = newestOf(next, login)
    if (newest === 0 || next.server.lost[login] === 1 || next.server.abandoned[login] === 1) continue
    if (next.server.revoked[login] === 0 && isWithinReach(next, settings, newest)) continue
    next.server.lost[login] = 1
    next.marks.lostIn = windowOf(next)
    if (next.marks.lostIn === 1 && settings.leeway === 'SameToken')
      violate(next, 'loss: an answer that the server would give again')
    if (next.marks.lostIn === 0)
      violate(next, 'loss: the newest refresh token is gone or dead, outside of every window')
  }
}

function isWithinReach(next: World, settings: Settings, newest: number): boolean {
  return exists(next, newest) || (isGivenAgain(settings) && newest % 8 > 1 && exists(next, newest - 1))
}

function windowOf(next: World): number {
  if (next.marks.window !== 0) return next.marks.window
  if (next.around.rolledBack === 1) return 5
  return someoneLate(next) || next.around.overrun === 1 ? 4 : 0
}

/** What is said of a document that we replace. */
export function checkOverwrite(next: World, replaced: number, token: number): void {
  if (isExcused(next) || replaced === 0) return
  const alive = replaced === newestOf(next, loginOf(replaced))
  if (alive && loginOf(replaced) > loginOf(token))
    violate(next, 'a refresh token that a human put into the store is overwritten')
  if (loginOf(replaced) === loginOf(token) && token < replaced)
    violate(next, 'an older refresh token is written over a newer one')
}

/** What is said of an access token that is about to be published. */
export function checkPublish(next: World, token: number): void {
  const login = loginOf(token)
  const { published } = next.around
  if (published > token && loginOf(published) === login && !isExcused(next)) {
    violate(next, 'an older access token is published over a newer one')
  }
  if (isExcused(next) || next.server.lost[login] === 1 || next.server.abandoned[login] === 1) return
  if (!isDurable(next, token)) violate(next, 'an access token is published whose refresh token is not durable')
}

function isDurable(next: World, token: number): boolean {
  const atLeast = (other: number): boolean => other >= token && loginOf(other) === loginOf(token)
  return atLeast(next.record.retained) || next.store.documents.some((document) => atLeast(tokenOf(document)))
}

/** A refusal counts as an answer lost when our own request spent the token; else it would be told as theft. */
export function checkReason(next: World, settings: Settings, token: number): void {
  // A restored record has forgotten what was sent and what was refused.
  if (settings.leeway !== 'None' || settings.faults.restore !== undefined) return
  const { sends } = next.record
  if (sends >= 2 || next.cluster.state !== 0 || isExcused(next)) return
  if (token < newestOf(next, loginOf(token)))
    violate(next, 'a lost answer of our own is told as a refresh token that somebody else spent')
}
