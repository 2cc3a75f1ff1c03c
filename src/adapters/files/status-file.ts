import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import * as z from 'zod'
import { keyText } from '../../domain/credential.ts'
import { failure } from '../../domain/failures.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import type { StatusReport, StatusWriter } from '../../ports/status-writer.ts'
import { classifyFileError, isMissing } from './file-error.ts'
import { fileSteps } from './file-steps.ts'

export interface StatusFileOptions {
  /** Its directory must exist. */
  readonly path: string
  /** The status as an API server would keep it; holds no secret. */
  readonly encode: (report: StatusReport) => object
}

const entrySchema = z.object({ namespace: z.string(), name: z.string(), uid: z.string(), status: z.looseObject({}) })
const contentSchema = z.object({ version: z.literal(1), credentials: z.array(entrySchema) })

/** One credential as the file has it. */
export type StatusEntry = z.infer<typeof entrySchema>

/**
 * The statuses of all credentials in one JSON file, which is replaced as a whole.
 *
 * At most one write is under way; what comes meanwhile goes into the next, so that ten thousand
 * reports do not mean ten thousand files. A report resolves when the file has it.
 *
 * Failures: TARGET_UNAVAILABLE.
 */
export class StatusFile implements StatusWriter {
  readonly #options: StatusFileOptions
  readonly #entries = new Map<string, StatusEntry>()
  #writing: Promise<Result<void>> | undefined
  #next: Promise<Result<void>> | undefined

  constructor(options: StatusFileOptions) {
    this.#options = options
  }

  /** Reads what an earlier process left. A file that is missing or cannot be understood counts as empty. */
  async load(): Promise<readonly StatusEntry[]> {
    const entries = await readStatusFile(this.#options.path)
    for (const entry of entries) this.#entries.set(keyText(entry), entry)
    return entries
  }

  /** The status that this process, or the one before it, last reported. */
  status(namespace: string, name: string): StatusEntry | undefined {
    return this.#entries.get(keyText({ namespace, name }))
  }

  write(report: StatusReport): Promise<Result<void>> {
    const { key, uid } = report
    this.#entries.set(keyText(key), { ...key, uid, status: { ...this.#options.encode(report) } })
    return this.#save()
  }

  /** Forgets a credential whose manifest is gone. */
  async forget(namespace: string, name: string): Promise<void> {
    if (this.#entries.delete(keyText({ namespace, name }))) await this.#save()
  }

  /** Forgets every credential but these, named `namespace/name`: what was deleted while no process ran. */
  async keepOnly(names: ReadonlySet<string>): Promise<void> {
    const gone = [...this.#entries.keys()].filter((name) => !names.has(name))
    for (const name of gone) this.#entries.delete(name)
    if (gone.length > 0) await this.#save()
  }

  /** There is no watch that could be later than its manifests, and nobody else who reads them. */
  exists(): Promise<Result<boolean>> {
    return Promise.resolve(ok(true))
  }

  /** There is no object that could outlive its manifest, so there is nothing to hold back. */
  setFinalizer(): Promise<Result<void>> {
    return Promise.resolve(ok(undefined))
  }

  #save(): Promise<Result<void>> {
    if (this.#writing === undefined) {
      this.#writing = this.#replace().finally(() => {
        this.#writing = undefined
      })
      return this.#writing
    }
    this.#next ??= this.#writing.then(() => {
      this.#next = undefined
      return this.#save()
    })
    return this.#next
  }

  async #replace(): Promise<Result<void>> {
    const { path } = this.#options
    const content = JSON.stringify({ version: 1, credentials: [...this.#entries.values()] }, null, 2)
    const draft = join(dirname(path), `.${basename(path)}.new`)
    try {
      await removeLeftover(draft)
      await fileSteps.writeNew(draft, `${content}\n`, { mode: 0o644 })
      await fileSteps.move(draft, path)
      return ok(undefined)
    } catch (error) {
      return failed(
        failure('TARGET_UNAVAILABLE', `Writing the status file ${path} failed: ${classifyFileError(error).cause}.`),
      )
    }
  }
}

/** The entries of a status file; none when it is missing or cannot be understood. */
export async function readStatusFile(path: string): Promise<readonly StatusEntry[]> {
  try {
    const parsed = contentSchema.safeParse(JSON.parse(await readFile(path, 'utf8')))
    return parsed.success ? parsed.data.credentials : []
  } catch (error) {
    if (error instanceof SyntaxError) return []
    classifyFileError(error)
    return []
  }
}

async function removeLeftover(path: string): Promise<void> {
  try {
    await fileSteps.remove(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}
