import type { Logger } from '../ports/logger.ts'
import { bugFields } from './bug-fields.ts'

/**
 * Does what only tells of the work, as lines of the audit log and spans do: whatever it throws goes no further, because
 * the answer of a token endpoint may be in the hands of who tells of it. Returns undefined when it could not be done.
 */
export function unhindered<T>(tell: () => T, { logger }: { readonly logger: Logger }): T | undefined {
  try {
    return tell()
  } catch (bug) {
    complain(bug, logger)
    return undefined
  }
}

/** A log that takes no line is what may have failed in the first place. */
function complain(bug: unknown, logger: Logger): void {
  try {
    logger.error(bugFields(bug), 'what happened could not be told: the work goes on without that')
  } catch {
    // There is nobody left to tell.
  }
}
