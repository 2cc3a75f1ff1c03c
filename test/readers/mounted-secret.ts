import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { systemTextCodec } from '../../src/adapters/system/text-codec.ts'
import type { Output } from '../../src/domain/credential.ts'
import { renderOutputs } from '../../src/domain/formats.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { epochSeconds } from '../../src/domain/time.ts'

/** A Secret with the files of one output, mounted as kubelet does it: each key a link through `..data`. */
export class MountedSecret {
  readonly directory: string
  readonly #output: Output
  readonly #links: string[] = []
  #files: ReadonlyMap<string, string>
  #version = 1

  /** The token lives for another hour. */
  constructor(directory: string, output: Output, token: string) {
    this.directory = directory
    this.#output = output
    this.#files = filesOf(output, token)
    this.#writeVersion()
    for (const key of this.#files.keys()) symlinkSync(join('..data', key), join(directory, key))
    symlinkSync(this.#versionName, join(directory, '..data'))
    chmodSync(directory, 0o555)
  }

  /** Another token, all files at once, as kubelet does it when the Secret has changed. */
  renew(token: string): void {
    chmodSync(this.directory, 0o755)
    const former = this.path(this.#versionName)
    this.#version += 1
    this.#files = filesOf(this.#output, token)
    this.#writeVersion()
    symlinkSync(this.#versionName, this.path('..data_tmp'))
    renameSync(this.path('..data_tmp'), this.path('..data'))
    chmodSync(former, 0o755)
    rmSync(former, { recursive: true })
    chmodSync(this.directory, 0o555)
  }

  get #versionName(): string {
    return `..v${this.#version}`
  }

  #writeVersion(): void {
    const version = this.path(this.#versionName)
    mkdirSync(version, { recursive: true })
    for (const [key, content] of this.#files) writeFileSync(join(version, key), content, { mode: 0o444 })
    chmodSync(version, 0o555)
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

  /** Makes it removable again. */
  release(): void {
    const versions = readdirSync(this.directory).filter((name) => name.startsWith('..v'))
    for (const directory of [this.directory, ...versions.map((name) => this.path(name))]) chmodSync(directory, 0o755)
  }

  /** What a program did to the mount or to the links into it; empty when it left all of it alone. */
  harm(): readonly string[] {
    const links = [...this.#links, ...[...this.#files.keys()].map((key) => this.path(key))]
    const lost = links.filter((path) => !lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
    if (lost.length > 0) return lost
    const changed = [...this.#files].filter(([key, content]) => readFileSync(this.path(key), 'utf8') !== content)
    return [
      ...changed.map(([key]) => key),
      ...(readlinkSync(this.path('..data')) === this.#versionName ? [] : ['..data']),
    ]
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
