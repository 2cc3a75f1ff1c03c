import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { cacheDirectory } from './server-cache.ts'
import { serverEntry } from './server-table.ts'
import type { ServerEntry, ServerName } from './server-table.ts'

/** Where a server that is ready to run comes from. */
export interface ServerSource {
  readonly from: string
  readonly path: string
}

/**
 * @returns the executable that the environment names, else the cached one; undefined when there is neither.
 * @throws when the environment names one that cannot be run: falling back would test something else than was asked.
 */
export function findServer(entry: ServerEntry): ServerSource | undefined {
  for (const variable of entry.variables) {
    const value = process.env[variable.name]
    if (value === undefined || value === '') continue
    const path = variable.directory === true ? join(value, entry.executable) : value
    if (!isExecutable(path)) {
      throw new Error(`${variable.name} leads to ${path}, which is not an executable file: correct or unset it`)
    }
    return { from: variable.name, path }
  }
  const path = join(cacheDirectory(entry), entry.executable)
  return isExecutable(path) ? { from: 'cache', path } : undefined
}

/**
 * @returns the path of a server's executable, for the start functions.
 * @throws when it has not been provided yet, saying how to.
 */
export function serverPath(name: ServerName): string {
  const entry = serverEntry(name)
  const source = findServer(entry)
  const command = ['npm run servers', ...(entry.suite === undefined ? [] : ['--', entry.suite])].join(' ')
  if (source === undefined) throw new Error(`${name} is not there: run '${command}' once to provide it`)
  return source.path
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
