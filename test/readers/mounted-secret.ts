import { chmodSync, lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemTextCodec } from '../../src/adapters/system/text-codec.ts'
import type { Output } from '../../src/domain/credential.ts'
import { renderOutputs } from '../../src/domain/formats.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { epochSeconds } from '../../src/domain/time.ts'

/** A Secret with the files of one output, mounted as kubelet does it: each key a link through `..data`. */
export class MountedSecret {
  readonly directory: string
  readonly #files: ReadonlyMap<string, string>
  readonly #links: string[] = []

  /** The token lives for another hour. */
  constructor(directory: string, output: Output, token: string) {
    this.directory = directory
    this.#files = filesOf(output, token)
    const version = join(directory, '..v1')
    mkdirSync(version, { recursive: true })
    for (const [key, content] of this.#files) {
      writeFileSync(join(version, key), content, { mode: 0o444 })
      symlinkSync(join('..data', key), join(directory, key))
    }
    symlinkSync('..v1', join(directory, '..data'))
    chmodSync(version, 0o555)
    chmodSync(directory, 0o555)
  }

  path(key: string): string {
    return join(this.directory, key)
  }

  /** A link to one of the files, from where the program may write. */
  linkFrom(path: string, key: string): void {
    mkdirSync(dirname(path), { recursive: true })
    symlinkSync(this.path(key), path)
    this.#links.push(path)
  }

  /** What a program did to the mount or to the links into it; empty when it left all of it alone. */
  harm(): readonly string[] {
    const links = [...this.#links, ...[...this.#files.keys()].map((key) => this.path(key))]
    const lost = links.filter((path) => !lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
    if (lost.length > 0) return lost
    const changed = [...this.#files].filter(([key, content]) => readFileSync(this.path(key), 'utf8') !== content)
    return [...changed.map(([key]) => key), ...(readlinkSync(this.path('..data')) === '..v1' ? [] : ['..data'])]
  }
}

function filesOf(output: Output, token: string): ReadonlyMap<string, string> {
  const now = Date.now() / 1000
  const result = renderOutputs(
    [output],
    {
      value: new Sensitive(token),
      tokenType: 'Bearer',
      issuedAt: epochSeconds(now),
      expiresAt: epochSeconds(now + 3600),
      scopes: [],
    },
    systemTextCodec,
  )
  if (!result.ok) throw new Error(result.problem)
  return new Map([...result.files].map(([key, content]) => [key, content.reveal()]))
}
