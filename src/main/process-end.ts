import { bugFields } from '../app/bug-fields.ts'
import type { Logger } from '../ports/logger.ts'

/** npm and some shells hand on a signal that the terminal has sent to every process: one Ctrl-C comes twice. */
const sameSignalMs = 500

let ended: Promise<NodeJS.Signals> | undefined

/**
 * Resolves at the first SIGTERM or SIGINT since the first call, with its name. Whoever presses Ctrl-C again,
 * half a second later or more, ends the process at once, and what is under way with it. SIGTERM never
 * does: supervisors repeat it, as a kubelet that is restarted meanwhile, and a request that is on the
 * wire then would take its refresh token with it. For them there is SIGKILL, after a time that they set.
 */
export function endSignal(): Promise<NodeJS.Signals> {
  ended ??= listenForEnd()
  return ended
}

function listenForEnd(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstMs: number | undefined
    const take = (signal: NodeJS.Signals): void => {
      const isRepeated = firstMs !== undefined && performance.now() - firstMs > sameSignalMs
      if (isRepeated && signal === 'SIGINT') process.exit(130)
      firstMs ??= performance.now()
      resolve(signal)
    }
    process.on('SIGTERM', take)
    process.on('SIGINT', take)
  })
}

/** Ends the process at a bug: a supervisor starts it again, and the journal knows what was under way. */
export function crashOnBug(logger: Logger): (bug: unknown) => void {
  return (bug) => {
    logger.error(bugFields(bug), 'a bug: the process ends')
    process.exit(70)
  }
}

/** So long a process is waited for that has nothing left to do. */
const heldMs = 2000

/**
 * The last that a process does, when everything is written and closed. A timer or a connection that was left behind
 * concerns nobody any more, and does not hold it. A call that a thread of the system is still at does, as the look-up of
 * a name that no server answers: Node waits for it, and the log says so. Nothing is lost when it is killed then.
 */
export function leave(logger: Logger): void {
  const timer = setTimeout(() => {
    const cause = process.getActiveResourcesInfo().join(' ')
    logger.warn({ cause }, 'everything has ended, and something held the process all the same')
    process.exit()
  }, heldMs)
  timer.unref()
}
