import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const directory = fileURLToPath(new URL('../../examples', import.meta.url))

/** One file of examples/. */
export interface ExampleFile {
  /** Relative to examples/, such as `vault/credential.yaml`. */
  readonly name: string
  readonly path: string
  readonly text: string
}

/** Every manifest in examples/. */
export function exampleFiles(): readonly ExampleFile[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml'))
    .toSorted()
    .map((name) => ({ name, path: join(directory, name), text: readFileSync(join(directory, name), 'utf8') }))
}
