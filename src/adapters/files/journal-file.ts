import { fchmodSync, fstatSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { isOurs } from './private-directory.ts'
import type { JournalSteps } from './journal-steps.ts'

/**
 * How much a record must survive before it counts as written. `process`: the end of this process,
 * which a write into the page cache does; right for a memory-backed volume. `disk`: a power failure.
 */
export type Durability = 'process' | 'disk'

export interface JournalFileOptions {
  readonly path: string
  readonly durability: Durability
  readonly steps: JournalSteps
}

/**
 * One append-only file with a descriptor held open. Its end is always the end of a whole record: a
 * write that failed half way is cut off before anything else is written.
 *
 * All methods throw what the file system throws.
 */
export class JournalFile {
  readonly #path: string
  readonly #durability: Durability
  readonly #steps: JournalSteps
  #fd: number
  #size: number
  /** Set once the disk refused a sync: what this file's cache says from then on proves nothing. */
  #suspect = false
  #tornEnd = false

  constructor({ path, durability, steps }: JournalFileOptions) {
    this.#path = path
    this.#durability = durability
    this.#steps = steps
    steps.remove(this.#successor())
    this.#fd = steps.open(path)
    this.#size = fstatSync(this.#fd).size
  }

  get size(): number {
    return this.#size
  }

  isRegular(): boolean {
    return fstatSync(this.#fd).isFile()
  }

  /** False for a file that another user made, and may still have open. */
  isOurs(): boolean {
    return isOurs(fstatSync(this.#fd).uid)
  }

  /** Reads everything, and takes others' permissions away. Only for opening. */
  read(): Buffer {
    if ((fstatSync(this.#fd).mode & 0o077) !== 0) fchmodSync(this.#fd, 0o600)
    return readFileSync(this.#fd)
  }

  /** Makes the file end at `size`, and its name last. Only for opening. */
  begin(size: number): void {
    if (size < this.#size) this.#steps.truncate(this.#fd, size)
    this.#size = size
    this.#sync()
    if (this.#durability === 'disk') this.#steps.syncDirectory(dirname(this.#path))
  }

  /** True when an append would prove nothing, and only {@link rewrite} gets a file that can be relied on. */
  isUnreliable(): boolean {
    return this.#suspect || !this.#steps.isNamed(this.#fd)
  }

  /**
   * Adds a record. When it throws, the record is not there, unless `keepUnsynced` and only the sync
   * failed: then it is there for as long as the machine runs.
   */
  append(bytes: Buffer, { keepUnsynced }: { readonly keepUnsynced: boolean }): void {
    if (this.#tornEnd) this.#cutTornEnd()
    try {
      this.#write(this.#fd, bytes)
    } catch (error) {
      this.#tornEnd = true
      this.#tryCutTornEnd()
      throw error
    }
    this.#size += bytes.length
    try {
      this.#sync()
    } catch (error) {
      this.#suspect = true
      if (!keepUnsynced) {
        this.#size -= bytes.length
        this.#tornEnd = true
        this.#tryCutTornEnd()
      }
      throw error
    }
  }

  /** Forgets everything at once. */
  clear(): void {
    this.#steps.truncate(this.#fd, 0)
    this.#size = 0
    this.#tornEnd = false
    this.#sync()
  }

  /**
   * Puts a new file with this content in the place of the old one. Until the rename the old file
   * stands as it is, from then on the new one does; both hold every live record.
   */
  rewrite(content: Buffer): void {
    const successor = this.#successor()
    this.#steps.remove(successor)
    const fd = this.#steps.create(successor)
    try {
      this.#write(fd, content)
      this.#steps.sync(fd)
      this.#steps.rename(successor, this.#path)
    } catch (error) {
      this.#discard(fd, successor)
      throw error
    }
    const old = this.#fd
    this.#fd = fd
    this.#size = content.length
    this.#suspect = false
    this.#tornEnd = false
    this.#steps.close(old)
    if (this.#durability === 'disk') this.#steps.syncDirectory(dirname(this.#path))
  }

  close(): void {
    this.#steps.close(this.#fd)
  }

  #successor(): string {
    return `${this.#path}.new`
  }

  #write(fd: number, bytes: Buffer): void {
    let written = 0
    while (written < bytes.length) written += this.#steps.write(fd, bytes.subarray(written))
  }

  #sync(): void {
    if (this.#durability === 'disk') this.#steps.sync(this.#fd)
  }

  #cutTornEnd(): void {
    this.#steps.truncate(this.#fd, this.#size)
    this.#tornEnd = false
  }

  /** The failure that left the torn end is the one to tell; the end is cut off before the next record at the latest. */
  #tryCutTornEnd(): void {
    try {
      this.#cutTornEnd()
    } catch {
      this.#tornEnd = true
    }
  }

  #discard(fd: number, path: string): void {
    try {
      this.#steps.close(fd)
      this.#steps.remove(path)
    } catch {
      // What is left is removed before the next rewrite; the first failure is the one to tell.
    }
  }
}
