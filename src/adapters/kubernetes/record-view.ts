import type { ListedRecord } from '../../ports/refresh-records.ts'
import { listedRecord, markAnnotation, recordsMarkName } from './record-secret.ts'
import { fields } from './watch-event.ts'
import type { CollectionHandler } from './watch-round.ts'

/** What an event tells of one Secret: a record, the mark, or neither, where a record is damaged. */
export interface RecordSight {
  readonly name: string
  readonly record: ListedRecord | undefined
  readonly mark: string | undefined
}

/** All records as far as a watch has shown them; without those that are damaged. */
export class RecordView implements CollectionHandler<RecordSight> {
  readonly #records = new Map<string, ListedRecord>()
  readonly #marked: (mark: string) => void

  /** `marked` is called with each mark once all is there that the watch has shown before it. */
  constructor(marked: (mark: string) => void) {
    this.#marked = marked
  }

  /** A copy, because the next event may come before it is looked at. */
  records(): readonly ListedRecord[] {
    return [...this.#records.values()]
  }

  replaced(sights: readonly RecordSight[]): void {
    this.#records.clear()
    for (const sight of sights) this.#see(sight)
    for (const sight of sights) this.#tell(sight)
  }

  upserted(sight: RecordSight): void {
    this.#see(sight)
    this.#tell(sight)
  }

  deleted(_namespace: string | undefined, name: string): void {
    this.#records.delete(name)
  }

  #see({ name, record }: RecordSight): void {
    if (record === undefined) this.#records.delete(name)
    else this.#records.set(name, record)
  }

  #tell({ mark }: RecordSight): void {
    if (mark !== undefined) this.#marked(mark)
  }
}

/** Undefined for what has no name. */
export function recordSight(raw: unknown): RecordSight | undefined {
  const { name, annotations } = fields(fields(raw)['metadata'])
  if (typeof name !== 'string') return undefined
  if (name !== recordsMarkName) return { name, record: listedRecord(raw), mark: undefined }
  const mark = fields(annotations)[markAnnotation]
  return { name, record: undefined, mark: typeof mark === 'string' ? mark : undefined }
}
