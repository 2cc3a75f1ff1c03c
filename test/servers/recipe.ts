import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Folder of the files that pin the servers. */
export const pinsDirectory = dirname(fileURLToPath(import.meta.url))

export interface StepOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs one command of a build; rejects with its last words when it fails. */
export type RunStep = (command: string, args: readonly string[], options?: StepOptions) => Promise<void>

/** How to build a server from pinned sources. */
export interface Recipe {
  /** Everything that decides the result: its hash is part of the cache key. */
  readonly inputs: () => string
  /** The pinned version, as the pin file spells it. */
  readonly version: () => string
  /** Writes the executables into `directory`, which is renamed afterwards: nothing may hold its path. */
  readonly build: (directory: string, run: RunStep) => Promise<void>
  /** What a person does when the build's tool is missing. */
  readonly remedy: string
}
