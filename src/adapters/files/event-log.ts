import { keyText } from '../../domain/credential.ts'
import type { CredentialEvent, EventRecorder } from '../../ports/event-recorder.ts'
import type { Logger } from '../../ports/logger.ts'

/** Events as log lines, for where there is no API server to keep them. */
export class LogEventRecorder implements EventRecorder {
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  record({ key, uid, severity, reason, message }: CredentialEvent): void {
    const fields = { event: reason, credential: keyText(key), uid }
    if (severity === 'Warning') this.#logger.warn(fields, message)
    else this.#logger.info(fields, message)
  }
}
