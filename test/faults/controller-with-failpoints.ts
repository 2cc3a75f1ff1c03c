import { createHash } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import { AwsSecretsManagerStore } from '../../src/adapters/aws-secrets-manager/aws-store.ts'
import { FileRefreshJournal } from '../../src/adapters/files/refresh-journal.ts'
import { KubernetesRefreshRecords } from '../../src/adapters/kubernetes/refresh-records.ts'
import { KubernetesStatusWriter } from '../../src/adapters/kubernetes/status-writer.ts'
import { TargetSecrets } from '../../src/adapters/kubernetes/target-secret.ts'
import { HttpTokenEndpoint } from '../../src/adapters/oauth/http-token-endpoint.ts'
import { VaultStore } from '../../src/adapters/vault/vault-store.ts'
import type { AnsweredEntry } from '../../src/domain/journal-entry.ts'
import type { RefreshRecord } from '../../src/domain/refresh-record.ts'
import type { RotatedTokens } from '../../src/domain/tokens.ts'

// The controller as it is shipped, with a point before and behind each step of a refresh at which this process can
// end or stop itself. The shipped program has no such thing: here the classes of its ports are wrapped from outside.

/** `<step>:before` or `<step>:after`. */
const point = process.env['FAULTS_POINT']
/** At the how many-th time. */
let left = Number(process.env['FAULTS_HIT'] ?? '1')
const signal = process.env['FAULTS_SIGNAL'] === 'SIGSTOP' ? 'SIGSTOP' : 'SIGKILL'
const measureFile = process.env['FAULTS_MEASURE']

function reach(name: string): void {
  if (name !== point) return
  left -= 1
  if (left === 0) process.kill(process.pid, signal)
}

type Calls = (args: readonly unknown[]) => string | undefined
type Adapt = (args: readonly unknown[]) => readonly unknown[]
type Seen = (args: readonly unknown[], result: unknown) => void

interface Hooks {
  readonly seen?: Seen | undefined
  /** Other arguments for the method itself. */
  readonly adapt?: Adapt
}

/** Puts points around a method; `step` names the step by its arguments. */
function around(prototype: object, method: string, step: Calls, { seen, adapt }: Hooks = {}): void {
  const original: unknown = Reflect.get(prototype, method)
  if (typeof original !== 'function') return
  const wrapped = async function (this: unknown, ...args: readonly unknown[]): Promise<unknown> {
    const name = step(args)
    if (name !== undefined) reach(`${name}:before`)
    const result: unknown = await Reflect.apply(original, this, adapt?.(args) ?? args)
    seen?.(args, result)
    if (name !== undefined) reach(`${name}:after`)
    return result
  }
  Reflect.set(prototype, method, wrapped)
}

type BeforeSend = Parameters<HttpTokenEndpoint['request']>[1]

/** The instants between connection, request and answer have no methods of their own. */
function pointsIn(beforeSend: BeforeSend): BeforeSend {
  return async () => {
    reach('intent:before')
    const go = await beforeSend()
    reach('intent:after')
    // Runs once the request has been handed to the connection, in the same turn of the event loop or the next.
    setImmediate(() => reach('write-request:after'))
    return go
  }
}

interface Times {
  readonly lastByteMs: number
  readonly preemptionsBefore: number
  journaledMs?: number
  /** How often another process, or another thread of this one, was given the processor until then. */
  preemptions?: number
}

const times = new Map<string, Times>()
const wallMs = (): number => performance.timeOrigin + performance.now()
const preemptions = (): number => process.resourceUsage().involuntaryContextSwitches

/** Remembers when the last byte of each answer was here. */
function watchAnswers(): void {
  subscribe('http.client.response.finish', (message) => {
    const { response } = message as { readonly response: IncomingMessage }
    const parts: Buffer[] = []
    response.on('data', (part: Buffer) => {
      parts.push(part)
      const token = /"refresh_token":"([^"]+)"/.exec(Buffer.concat(parts).toString())?.[1]
      if (token !== undefined) times.set(token, { preemptionsBefore: preemptions(), lastByteMs: wallMs() })
    })
  })
}

function journaled([entry]: readonly unknown[]): void {
  const { answer } = entry as AnsweredEntry
  const token = /"refresh_token":"([^"]+)"/.exec(answer.body.reveal())?.[1]
  const known = token === undefined ? undefined : times.get(token)
  if (known === undefined) return
  known.journaledMs = wallMs()
  known.preemptions = preemptions() - known.preemptionsBefore
}

/** One line for each token: its hash; last byte, journal and first durable place in wall-clock milliseconds; preemptions. */
function durable(token: string | undefined, result: unknown): void {
  const known = token === undefined ? undefined : times.get(token)
  if (token === undefined || known?.journaledMs === undefined || !succeeded(result)) return
  times.delete(token)
  const hash = createHash('sha256').update(token).digest('hex').slice(0, 16)
  const line = [hash, known.lastByteMs, known.journaledMs, wallMs(), known.preemptions].join(' ')
  if (measureFile !== undefined) appendFileSync(measureFile, `${line}\n`)
}

function succeeded(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'ok' in result && result.ok === true
}

function storeWritten([, , tokens]: readonly unknown[], result: unknown): void {
  durable((tokens as RotatedTokens).refreshToken?.reveal(), result)
}

function recordStep([record]: readonly unknown[]): string {
  const { intent } = record as RefreshRecord
  if (intent?.holder !== undefined) return 'record-arm'
  return intent === undefined ? 'record-commit' : 'record-uncertain'
}

function recordWritten([record]: readonly unknown[], result: unknown): void {
  durable((record as RefreshRecord).retained?.tokens?.refreshToken?.reveal(), result)
}

const measures = measureFile !== undefined
if (measures) watchAnswers()
around(HttpTokenEndpoint.prototype, 'request', () => 'exchange', {
  adapt: ([request, beforeSend, ...others]) => [request, pointsIn(beforeSend as BeforeSend), ...others],
})
around(FileRefreshJournal.prototype, 'armed', () => 'journal-armed')
around(FileRefreshJournal.prototype, 'sent', () => 'journal-sent')
around(FileRefreshJournal.prototype, 'answered', () => 'journal-answered', { seen: measures ? journaled : undefined })
around(FileRefreshJournal.prototype, 'settled', () => 'journal-settled')
for (const store of [VaultStore, AwsSecretsManagerStore]) {
  around(store.prototype, 'read', () => 'store-read')
  around(store.prototype, 'proveWritable', () => 'store-prove')
  around(store.prototype, 'claim', () => 'store-claim')
  around(store.prototype, 'writeBack', () => 'store-write', { seen: measures ? storeWritten : undefined })
}
around(KubernetesRefreshRecords.prototype, 'read', () => 'record-read')
around(KubernetesRefreshRecords.prototype, 'replace', recordStep, { seen: measures ? recordWritten : undefined })
around(TargetSecrets.prototype, 'rehearse', () => 'rehearse')
around(TargetSecrets.prototype, 'publish', () => 'publish')
around(KubernetesStatusWriter.prototype, 'write', () => 'status')

await import('../../src/main/main.ts')
