import { createHash, randomBytes } from 'node:crypto'
import { closeSync, openSync, readdirSync, readFileSync, statSync, unlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import process from 'node:process'
import { classifyFileError, errnoOf, isMissing } from './file-error.ts'

/** The right of this process to change a file. */
export interface ProcessClaim {
  /** Idempotent, and never throws: a file that cannot be removed now is void as soon as this process has ended. */
  release(): void
}

export type ClaimOutcome =
  | { readonly kind: 'held'; readonly claim: ProcessClaim }
  /** `by` says who has it, for messages: `another process (pid 41)`. */
  | { readonly kind: 'taken'; readonly by: string }

export interface ClaimOptions {
  /** After this many milliseconds the claim of another machine is taken to be left over. Default: never. */
  readonly foreignExpiryMs?: number
}

interface Claimant {
  readonly file: string
  readonly host: string
  readonly boot: string
  readonly pid: number
  readonly start: string
  readonly nonce: string
}

/** Nonces of the claims that this process holds: they tell its own life from an earlier one with the same pid. */
const heldHere = new Set<string>()

/** Stands for a start time or boot that the platform does not tell. */
const unknown = '0'

const host = shortHash(hostname())
const boot = bootIdentity()

/**
 * Claims a path, so that no two processes work on the same file. Node has no lock that the kernel
 * lets go when its holder dies, so each claimant puts an empty file beside the path that names its
 * machine, boot, pid and start time, and only then looks for others. Of two who do this at the same
 * time at least one sees the other and steps back; no file name is ever used twice, so a claim whose
 * process is dead can be removed by anybody at any time without a race.
 *
 * A claimant on another machine cannot be asked whether it lives. Two containers of one pod look
 * like one container before and after its restart: they must not share a directory.
 *
 * Throws what the file system throws.
 */
export function claimFile(
  path: string,
  { foreignExpiryMs = Number.POSITIVE_INFINITY }: ClaimOptions = {},
): ClaimOutcome {
  const nonce = randomBytes(6).toString('hex')
  const prefix = `.${basename(path)}.claim.`
  const start = startOf(process.pid) ?? unknown
  const own = join(dirname(path), `${prefix}${host}.${boot}.${process.pid}.${start}.${nonce}`)
  closeSync(openSync(own, 'wx', 0o600))
  heldHere.add(nonce)
  const claim = { release: () => void (heldHere.delete(nonce) && tryToRemove(own)) }
  try {
    const now = statSync(own).mtimeMs
    for (const other of claimants(dirname(path), prefix)) {
      if (other.nonce === nonce) continue
      if (isAlive(other, now - foreignExpiryMs)) {
        claim.release()
        return { kind: 'taken', by: describe(other) }
      }
      removeIfThere(other.file)
    }
  } catch (error) {
    claim.release()
    throw error
  }
  return { kind: 'held', claim }
}

function claimants(directory: string, prefix: string): readonly Claimant[] {
  return readdirSync(directory)
    .filter((name) => name.startsWith(prefix))
    .map((name) => {
      const [otherHost = '', otherBoot = '', pid = '', start = '', nonce = ''] = name.slice(prefix.length).split('.')
      return { file: join(directory, name), host: otherHost, boot: otherBoot, pid: Number(pid), start, nonce }
    })
}

function isAlive(claimant: Claimant, foreignSince: number): boolean {
  if (claimant.host !== host) return modifiedMs(claimant.file) >= foreignSince
  if (heldHere.has(claimant.nonce)) return true
  if (claimant.boot !== boot || !Number.isSafeInteger(claimant.pid) || claimant.pid <= 0) return false
  // Let go, and not removed then: its directory was away for a moment. Or of an earlier life with the same pid.
  if (claimant.pid === process.pid) return false
  if (!isRunning(claimant.pid)) return false
  const start = startOf(claimant.pid)
  return start === undefined || start === claimant.start
}

function describe({ host: otherHost, pid, file, nonce }: Claimant): string {
  if (otherHost !== host)
    return `a process on another machine, which left ${file}: remove that file if the machine is gone`
  return heldHere.has(nonce) ? 'this process' : `another process (pid ${pid})`
}

/** A process that ended and was not collected by its parent counts as ended. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return errnoOf(error) === 'EPERM'
  }
  return !['Z', 'X'].includes(processFields(pid)?.[0] ?? '')
}

/** When a process started, in ticks since the boot; undefined where the platform does not tell. */
function startOf(pid: number): string | undefined {
  return processFields(pid)?.[19]
}

/** The fields of `/proc/PID/stat` from the third on: the second is a name in brackets that may hold anything. @see proc(5) */
function processFields(pid: number): readonly string[] | undefined {
  const text = readIfThere(`/proc/${pid}/stat`)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}

function bootIdentity(): string {
  const text = readIfThere('/proc/sys/kernel/random/boot_id')
  return text === undefined ? unknown : shortHash(text)
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** A claim that is gone meanwhile was modified long ago. */
function modifiedMs(path: string): number {
  try {
    return statSync(path).mtimeMs
  } catch (error) {
    if (isMissing(error)) return Number.NEGATIVE_INFINITY
    throw error
  }
}

function tryToRemove(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    classifyFileError(error)
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}
