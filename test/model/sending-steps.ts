import { redeem } from './authorization-server.ts'
import { abandonFlight } from './process.ts'
import { checkSend } from './properties.ts'
import { actors, suffer, type Turn } from './turn.ts'
import { at, loginOf, type Replica, replicaOf, type World } from './world.ts'

export function journalSent(turn: Turn, i: number): void {
  turn.take(i, 'notes "sent" in its journal', (next) => {
    const r = replicaOf(next, i)
    if (turn.settings.guards.journalSentBeforeSend) r.journal = 2
    r.at = at.send
  })
}

export function send(turn: Turn, i: number): void {
  // What was abandoned long ago has reached the server or never will, before the next generation is presented.
  const { base } = replicaOf(turn.now, i)
  if (turn.now.replicas.some(({ orphan }) => orphan !== 0 && orphan < base && loginOf(orphan) === loginOf(base))) return
  turn.take(i, 'sends the refresh token', (next) => {
    const r = replicaOf(next, i)
    checkSend(next, i, r.base)
    r.flight = 1
    r.at = at.wait
  })
}

export function receive(turn: Turn, i: number): void {
  const { now, settings } = turn
  const r = replicaOf(now, i)
  if (r.flight === 1) answer(turn, i)
  if (r.flight === 2) turn.take(i, 'receives the answer', (next) => takeAnswer(replicaOf(next, i)))
  if (r.flight === 3)
    turn.take(i, 'receives a refusal', (next) => {
      replicaOf(next, i).flight = 0
      replicaOf(next, i).at = at.refused
    })
  const lost = (next: World): void => loseAnswer(next, i)
  suffer(turn, 'lostAnswer', { actor: i, words: 'gets no answer: the connection breaks', change: lost })
  if (!settings.guards.waitForAnswer)
    turn.take(i, 'gives the request up', (next) => {
      loseAnswer(next, i)
      next.marks.window = 0
    })
  if (r.flight === 2) truncate(turn, i)
}

function answer(turn: Turn, i: number): void {
  turn.take(actors.server, `answers replica ${i + 1}`, (next) => {
    const r = replicaOf(next, i)
    r.reply = redeem(next, turn.settings, r.base)
    r.flight = r.reply === 0 ? 3 : 2
    if (r.late === 1) next.marks.window = 4
  })
}

function takeAnswer(r: Replica): void {
  r.answer = r.reply
  r.reply = 0
  r.flight = 0
  r.at = at.answered
}

/** What is not answered yet may still be on its way to the server. */
function loseAnswer(next: World, i: number): void {
  const r = replicaOf(next, i)
  abandonFlight(r)
  next.marks.window = 1
  r.at = at.unanswered
}

function truncate(turn: Turn, i: number): void {
  suffer(turn, 'truncatedAnswer', {
    actor: i,
    words: 'receives a damaged answer without a whole refresh token',
    change: (next) => loseAnswer(next, i),
  })
  suffer(turn, 'truncatedAnswer', {
    actor: i,
    words: 'receives a damaged answer with a whole refresh token',
    change: (next) => {
      if (turn.settings.guards.salvageBeforeParse) return takeAnswer(replicaOf(next, i))
      loseAnswer(next, i)
      next.marks.window = 0
    },
  })
}

export function journalAnswered(turn: Turn, i: number): void {
  turn.take(i, 'notes the answer in its journal', (next) => {
    const r = replicaOf(next, i)
    if (turn.settings.guards.journalBeforeUse) r.journal = 3
    r.at = at.commit
  })
}
