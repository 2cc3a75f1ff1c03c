import { classifyFileError, errnoOf } from '../adapters/files/file-error.ts'
import type { Logger } from '../ports/logger.ts'

/** Why the process cannot begin, for the person who started it. No bug. */
export class CannotBegin extends Error {}

/**
 * Runs a mode's beginning. What keeps it from beginning is told in one line, and the process ends with
 * code 1. At a signal before it has begun the process ends at once with code 0: nothing is under way yet.
 */
export async function orEnd<T>(logger: Logger, ended: Promise<string>, begin: () => Promise<T>): Promise<T> {
  let begun = false
  void ended.then((signal) => {
    if (begun) return
    logger.info({ signal }, 'ended before it had begun')
    process.exit(0)
  })
  try {
    const outcome = await begin()
    begun = true
    return outcome
  } catch (error) {
    if (!(error instanceof CannotBegin)) throw error
    logger.error({}, error.message)
    process.exit(1)
  }
}

const listenWords: Readonly<Record<string, string>> = {
  EADDRINUSE: 'it is in use',
  EADDRNOTAVAIL: 'it is no address of this machine',
  EACCES: 'permission is denied',
  ENOTFOUND: 'its name does not exist',
  EAI_AGAIN: 'its name could not be resolved now',
}

/** What listening rejected with; a bug as it is. */
export function cannotListen(error: unknown): unknown {
  const code = errnoOf(error)
  if (code === undefined) return error
  const { address, port, hostname } = error as { address?: string; port?: number; hostname?: string }
  const where = hostname ?? `${address ?? ''}:${port ?? ''}`
  const why = `${listenWords[code] ?? 'the system refuses'} (${code})`
  return new CannotBegin(`The address ${where} for metrics or probes cannot be listened at: ${why}.`)
}

/** What a call of the file system threw while `what` was tried; a bug is thrown as it is. */
export function cannotUse(what: string, error: unknown): CannotBegin {
  return new CannotBegin(`${what} failed: ${classifyFileError(error).cause}.`)
}
