import { join, resolve } from 'node:path'

/** Where standalone mode keeps what it has to remember. */
export interface StandaloneFiles {
  readonly state: string
  readonly journal: string
  readonly records: string
  readonly status: string
}

export function standaloneFiles(output: string, state?: string): StandaloneFiles {
  const directory = resolve(state ?? join(output, '.state'))
  return {
    state: directory,
    journal: join(directory, 'journal'),
    records: join(directory, 'records'),
    status: join(directory, 'status.json'),
  }
}
