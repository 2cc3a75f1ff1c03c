import { execFileSync } from 'node:child_process'
import { copyFromImage } from './docker-image.ts'
import { stepRunner } from './build-step.ts'
import { cacheDirectory, fillCache } from './server-cache.ts'
import { findServer } from './server-source.ts'
import type { ServerSource } from './server-source.ts'
import { servers } from './server-table.ts'
import type { ServerEntry } from './server-table.ts'

interface Provided extends ServerSource {
  readonly name: string
  readonly version: string
}

/**
 * Makes the servers of the table available: every one that belongs to no suite, and those of the suites that are
 * arguments. Each failure is one line, and the exit code is then 1.
 */
async function main(suites: readonly string[]): Promise<void> {
  const provided: Provided[] = []
  const failures: string[] = []
  for (const entry of servers.filter(({ suite }) => suite === undefined || suites.includes(suite))) {
    try {
      const source = findServer(entry) ?? (await build(entry))
      provided.push({ name: entry.name, version: versionOf(entry, source), ...source })
    } catch (error) {
      failures.push(`${entry.name}: ${(error as Error).message}`)
    }
  }
  printTable(provided)
  for (const failure of failures) console.error(failure)
  if (failures.length > 0) process.exitCode = 1
}

async function build(entry: ServerEntry): Promise<ServerSource> {
  const directory = cacheDirectory(entry)
  const log = `${directory}.log`
  let from = 'cache' // another process may have built it meanwhile
  const work = async (temporary: string): Promise<void> => {
    from = (await copyFromImage(entry, temporary)) ? 'image' : 'built'
    if (from === 'built') await entry.recipe.build(temporary, stepRunner(entry.name, log))
  }
  try {
    await fillCache(directory, work, (seconds) => {
      console.log(`${entry.name}: another process is building it, waited ${seconds} s (${directory}.lock)`)
    })
  } catch (error) {
    const variables = entry.variables.map(({ name }) => name).join(' or ')
    const reason = (error as Error).message
    throw new Error(`${reason} (log: ${log}); remedy: ${entry.recipe.remedy}, or set ${variables}`, { cause: error })
  }
  const source = findServer(entry)
  if (source === undefined) throw new Error(`the build left no ${entry.executable} in ${directory}: delete that folder`)
  return { ...source, from }
}

function versionOf(entry: ServerEntry, source: ServerSource): string {
  // What we built is what is pinned; only what the environment names has to be asked.
  if (!entry.variables.some(({ name }) => name === source.from)) return entry.recipe.version()
  if (entry.versionArguments === undefined) return 'unknown'
  try {
    const output = execFileSync(source.path, entry.versionArguments, { encoding: 'utf8', timeout: 10_000 })
    return /v?\d+\.\d+\.\d+\S*/.exec(output)?.[0] ?? 'unknown'
  } catch (error) {
    throw new Error(`${source.path}, from ${source.from}, does not tell its version: point it to one that runs`, {
      cause: error,
    })
  }
}

function printTable(rows: readonly Provided[]): void {
  const header = { name: 'server', version: 'version', from: 'from', path: 'path' }
  const columns = ['name', 'version', 'from'] as const
  const widths = columns.map((column) => Math.max(...[header, ...rows].map((row) => row[column].length)))
  for (const row of [header, ...rows]) {
    console.log([...columns.map((column, index) => row[column].padEnd(widths[index] ?? 0)), row.path].join('  '))
  }
}

await main(process.argv.slice(2))
