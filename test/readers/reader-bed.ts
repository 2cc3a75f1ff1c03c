import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { FormatOutput } from '../../src/domain/output-format.ts'
import { canary } from '../support/canary.ts'
import type { Certificate } from '../servers/certificates.ts'
import { startDivertingProxy } from './diverting-proxy.ts'
import { MountedSecret } from './mounted-secret.ts'
import { runProgram } from './program.ts'
import { type SeenRequest, startVendor, type VendorAnswer } from './vendor.ts'

/** Where things are, for a program that is about to run. */
export interface Place {
  /** Authority of the vendor: 127.0.0.1 and its port. */
  readonly host: string
  readonly home: string
  readonly mount: MountedSecret
  /** A proxy that leads every tunnel to the vendor. */
  readonly proxy: string
  /** A file in the home with this content. */
  readonly write: (name: string, content: string) => string
}

export interface Reading {
  output(host: string): FormatOutput
  command(place: Place): readonly string[]
  env?(place: Place): Readonly<Record<string, string>>
  /** What the vendor answers; without it, 404. */
  answer?(request: SeenRequest, host: string): VendorAnswer
  /** With TLS, by a certificate that the program is told to trust. */
  readonly certificate?: Certificate
}

export interface Outcome {
  readonly token: string
  readonly seen: readonly SeenRequest[]
  /** What became of the mount and the links into it; empty when all is as it was. */
  readonly harm: readonly string[]
  readonly said: string
}

/** Lets a program read a fresh token from a mounted Secret, and tells what it sent. All is gone when the test ends. */
export async function readWith(reading: Reading, token = canary('at')): Promise<Outcome> {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'oauth-credential-operator-reader-')))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  let host = ''
  const vendor = await startVendor((request) => reading.answer?.(request, host) ?? { status: 404 }, reading.certificate)
  onTestFinished(() => vendor.stop())
  host = `127.0.0.1:${vendor.port}`
  const proxy = await startDivertingProxy(vendor.port)
  onTestFinished(() => proxy.stop())
  const mount = new MountedSecret(join(home, 'mount'), reading.output(host), token)
  onTestFinished(() => mount.release())
  const place: Place = {
    host,

    home,
    mount,
    proxy: proxy.url,
    write: (name, content) => written(join(home, name), content),
  }
  const env = reading.env?.(place)
  const { output } = await runProgram({ command: reading.command(place), home, ...(env && { env }) })
  return { token, seen: vendor.seen, harm: mount.harm(), said: output }
}

function written(path: string, content: string): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  return path
}
