import { keyText } from '../../src/domain/credential.ts'
import type { CredentialState } from '../../src/domain/credential-state.ts'
import type { Failure } from '../../src/domain/failures.ts'
import { failed, ok, type Result } from '../../src/domain/result.ts'
import type { StatusReport, StatusWriter } from '../../src/ports/status-writer.ts'
import { observeOutput } from './canary.ts'

/** Statuses, and which objects are there. */
export class MemoryStatus implements StatusWriter {
  readonly states = new Map<string, CredentialState>()
  readonly finalized = new Set<string>()
  /** Uids of objects that are gone, whatever a watch has told. */
  readonly gone = new Set<string>()
  existsFault: Failure | undefined
  finalizerFault: Failure | undefined
  writes = 0
  fault: Failure | undefined

  write({ key, state, nextRefreshAt }: StatusReport): Promise<Result<void>> {
    if (this.fault !== undefined) return Promise.resolve(failed(this.fault))
    this.writes += 1
    this.states.set(keyText(key), state)
    observeOutput('status', JSON.stringify({ state, nextRefreshAt }))
    return Promise.resolve(ok(undefined))
  }

  exists({ uid }: Parameters<StatusWriter['exists']>[0]): Promise<Result<boolean>> {
    return Promise.resolve(this.existsFault === undefined ? ok(!this.gone.has(uid)) : failed(this.existsFault))
  }

  setFinalizer(credential: Parameters<StatusWriter['setFinalizer']>[0], present: boolean): Promise<Result<void>> {
    if (this.finalizerFault !== undefined) return Promise.resolve(failed(this.finalizerFault))
    if (present) this.finalized.add(keyText(credential.key))
    else this.finalized.delete(keyText(credential.key))
    return Promise.resolve(ok(undefined))
  }
}
