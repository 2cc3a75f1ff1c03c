import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'

const made: string[] = []

afterEach(async () => {
  for (const directory of made.splice(0)) await rm(directory, { recursive: true, force: true })
})

/** An empty directory that is gone after the test. */
export async function temporaryDirectory(parent = tmpdir()): Promise<string> {
  const directory = await mkdtemp(join(parent, 'oauth-operator-test-'))
  made.push(directory)
  return directory
}

/** As {@link temporaryDirectory}, in memory where the platform has such a place. */
export function temporaryDirectoryInMemory(): Promise<string> {
  return temporaryDirectory(existsSync('/dev/shm') ? '/dev/shm' : tmpdir())
}
