import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { emptyTally, type Tally } from './tally.ts'

/** How far a long run has come. Survives as JSON, so that a later run goes on. */
export interface Progress {
  /** Digest of the engine that was played: what held on another one says nothing of this one. */
  readonly engine: string
  readonly next: number
  readonly tally: Tally
}

const root = join(import.meta.dirname, '../..')

/** What decides and acts, without the adapters: a simulation has models instead of those. */
export function engineDigest(): string {
  const digest = createHash('sha256')
  for (const file of globSync('src/{domain,app,ports}/**/*.ts', { cwd: root }).toSorted()) {
    digest.update(`${file}\n`).update(readFileSync(join(root, file)))
  }
  return digest.digest('hex')
}

/** Where to go on, at seed `from` where nothing was kept. After a change of the engine the seeds are counted anew. */
export function earlierProgress(file: string | undefined, from: number): Progress {
  const engine = engineDigest()
  const none = { engine, next: from, tally: emptyTally() }
  if (file === undefined || !existsSync(file)) return none
  const kept = JSON.parse(readFileSync(file, 'utf8')) as Progress
  return kept.engine === engine ? kept : { ...none, next: kept.next }
}

/** Whole or not at all, however the process ends. */
export function keepProgress(file: string | undefined, progress: Progress): void {
  if (file === undefined) return
  writeFileSync(`${file}.new`, JSON.stringify(progress))
  renameSync(`${file}.new`, file)
}
