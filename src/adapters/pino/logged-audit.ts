import { auditEvents } from '../../domain/audit-entry.ts'
import { present } from '../../domain/present.ts'
import type { AuditEntry, AuditLog } from '../../ports/audit-log.ts'
import type { Logger } from '../../ports/logger.ts'

/** Each entry as one line, in the words of its event. */
export class LoggedAudit implements AuditLog {
  readonly #logger: Logger

  /** `logger`: one that drops no line. */
  constructor(logger: Logger) {
    this.#logger = logger
  }

  record(entry: AuditEntry): void {
    this.#logger.info(present(entry), auditEvents[entry.event])
  }
}
