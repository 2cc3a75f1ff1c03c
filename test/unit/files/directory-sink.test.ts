import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { DirectorySink } from '../../../src/adapters/files/directory-sink.ts'
import { type FileSteps, fileSteps } from '../../../src/adapters/files/file-steps.ts'
import { ok } from '../../../src/domain/result.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { epochSeconds } from '../../../src/domain/time.ts'
import type { Publication, TargetIdentity } from '../../../src/ports/access-token-sink.ts'
import { canary, observeOutput } from '../../support/canary.ts'

let directory: string
let target: string
let sink: DirectorySink
const issuedAt = epochSeconds(1_799_996_400)
const clock = { now: () => epochSeconds(1_799_997_000) }

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sink-'))
  target = join(directory, 'ci', 'claude-token')
  sink = new DirectorySink({ directory, clock })
})

afterEach(() => rmSync(directory, { recursive: true, force: true }))

function identity(changes: Partial<TargetIdentity> = {}): TargetIdentity {
  return {
    credential: { namespace: 'ci', name: 'claude' },
    credentialUid: 'ci.claude',
    name: 'claude-token',
    creationPolicy: 'Owner',
    deletionPolicy: 'Delete',
    ...changes,
  }
}

function publication(files: Readonly<Record<string, string>>, changes: Partial<TargetIdentity> = {}): Publication {
  return {
    identity: identity(changes),
    files: new Map(Object.entries(files).map(([key, content]) => [key, new Sensitive(content)])),
    digest: 'digest',
    issuedAt,
    expiresAt: epochSeconds(1_800_000_000),
  }
}

/** Issued so many seconds later than the others. */
function publicationAfter(after: number, files: Readonly<Record<string, string>>): Publication {
  return { ...publication(files), issuedAt: epochSeconds(issuedAt + after) }
}

function forgetIssueTime(): void {
  const path = join(target, '..data', '..owner.json')
  const { issuedAt: _unknown, ...owner } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  writeFileSync(path, JSON.stringify(owner))
}

function visible(): string[] {
  return readdirSync(target).filter((name) => !name.startsWith('..'))
}

describe('DirectorySink', () => {
  it('looks like a mounted Secret volume, readable by its owner alone', async () => {
    const token = canary('at')
    expect(await sink.publish(publication({ access_token: token, '.env': `T=${token}` }))).toEqual(
      ok({ change: 'changed' }),
    )
    expect(readFileSync(join(target, 'access_token'), 'utf8')).toBe(token)
    expect(readlinkSync(join(target, 'access_token'))).toBe('..data/access_token')
    expect(readlinkSync(join(target, '..data'))).toMatch(/^\.\.\d{4}_\d\d_\d\d_/)
    expect(visible().sort()).toEqual(['.env', 'access_token'])
    expect(statSync(join(target, 'access_token')).mode & 0o777).toBe(0o600)
    expect(statSync(target).mode & 0o777).toBe(0o700)
  })

  it('changes all files at once, with new modification times, and drops keys that are gone', async () => {
    await sink.publish(publication({ a: 'one', b: 'one' }))
    const before = statSync(join(target, 'a')).mtimeMs
    await new Promise((resolve) => setTimeout(resolve, 20))
    await sink.publish(publication({ a: 'two', c: 'two' }))
    expect(visible().sort()).toEqual(['a', 'c'])
    expect(readFileSync(join(target, 'a'), 'utf8')).toBe('two')
    expect(statSync(join(target, 'a')).mtimeMs).toBeGreaterThan(before)
  })

  it('keeps replaced files for a moment, and no longer', async () => {
    const quick = new DirectorySink({ directory, clock, graceMs: 60 })
    for (let count = 0; count < 5; count += 1) await quick.publish(publication({ a: String(count) }))
    expect(readdirSync(target).filter((name) => /^\.\.\d/.test(name)).length).toBeGreaterThan(1)
    await vi.waitFor(() => expect(readdirSync(target).filter((name) => /^\.\.\d/.test(name))).toHaveLength(1))
    expect(readFileSync(join(target, 'a'), 'utf8')).toBe('4')
  })

  it('lets a reader that has followed the link find its file, however many publications come meanwhile', async () => {
    await sink.publish(publication({ a: 'first' }))
    const followed = join(target, readlinkSync(join(target, '..data')), 'a')
    for (let count = 0; count < 5; count += 1) await sink.publish(publication({ a: String(count) }))
    expect(readFileSync(followed, 'utf8')).toBe('first')
  })

  it('says what it finds', async () => {
    expect(await sink.observe(identity(), ['a'])).toEqual({ ok: true, value: { kind: 'absent' } })
    await sink.publish(publication({ a: 'one' }))
    const ours = { kind: 'ours', digest: 'digest', issuedAt, expiresAt: 1_800_000_000 }
    expect(await sink.observe(identity(), ['a'])).toEqual({ ok: true, value: { ...ours, intact: true } })
    expect(await sink.observe(identity(), ['a', 'b'])).toEqual({ ok: true, value: { ...ours, intact: false } })
    rmSync(join(target, 'a'))
    writeFileSync(join(target, 'a'), 'edited')
    expect(await sink.observe(identity(), ['a'])).toEqual({ ok: true, value: { ...ours, intact: false } })
    await sink.publish(publication({ a: 'two' }))
    expect(await sink.observe(identity(), ['a'])).toEqual({ ok: true, value: { ...ours, intact: true } })
  })

  it('never goes back to a token that was issued earlier', async () => {
    await sink.publish(publicationAfter(60, { a: 'newer' }))
    expect(await sink.publish(publication({ a: 'older', b: 'older' }))).toEqual(ok({ change: 'overtaken' }))
    expect(visible()).toEqual(['a'])
    expect(readFileSync(join(target, 'a'), 'utf8')).toBe('newer')
    const found = await sink.observe(identity(), ['a'])
    expect(found).toMatchObject({ value: { issuedAt: issuedAt + 60, intact: true } })
    await sink.publish(publicationAfter(60, { a: 'as new' }))
    expect(readFileSync(join(target, 'a'), 'utf8')).toBe('as new')
    await sink.publish(publicationAfter(61, { b: 'newest' }))
    expect(visible()).toEqual(['b'])
  })

  it.each(['is gone', 'comes from a clock that was ahead', 'was written by an earlier release'])(
    'takes an older token in place of a newer one that %s',
    async (what) => {
      await sink.publish(publicationAfter(what.includes('clock') ? 86_400 : 60, { a: 'newer' }))
      if (what === 'is gone') rmSync(target, { recursive: true })
      if (what.includes('release')) forgetIssueTime()
      expect(await sink.publish(publication({ a: 'older' }))).toEqual(ok({ change: 'changed' }))
      expect(readFileSync(join(target, 'a'), 'utf8')).toBe('older')
    },
  )

  it.each(['a directory with files in it', "another credential's target"])('never touches %s', async (whose) => {
    if (whose.startsWith('another')) await sink.publish(publication({ a: 'theirs' }, { credentialUid: 'ci.other' }))
    else {
      mkdirSync(target, { recursive: true })
      writeFileSync(join(target, 'a'), 'theirs')
    }
    const seen = await sink.observe(identity(), ['a'])
    expect(seen.ok && seen.value.kind).toBe('foreign')
    const written = await sink.publish(publication({ a: 'ours' }))
    expect(!written.ok && written.failure.code).toBe('TARGET_NOT_OWNED')
    expect(!written.ok && written.failure.message).toContain(target)
    await sink.remove(identity())
    expect(readFileSync(join(target, 'a'), 'utf8')).toBe('theirs')
  })

  it('takes an empty directory that somebody made for it', async () => {
    mkdirSync(target, { recursive: true })
    expect((await sink.publish(publication({ a: 'one' }))).ok).toBe(true)
  })

  it('removes what it published, and only that', async () => {
    await sink.publish(publication({ a: 'one' }))
    writeFileSync(join(target, 'note'), 'from a human')
    await sink.remove(identity())
    expect(readdirSync(target)).toEqual(['note'])
    rmSync(join(target, 'note'))
    await sink.publish(publication({ a: 'one' }))
    expect(await sink.remove(identity())).toEqual(ok('removed'))
    expect(await sink.remove(identity())).toEqual(ok('absent'))
    expect(readdirSync(directory)).toEqual([])
  })

  it('removes nothing that is to stay, nor what another credential published', async () => {
    await sink.publish(publication({ a: 'one' }))
    for (const changes of [
      { deletionPolicy: 'Retain' },
      { creationPolicy: 'Orphan' },
      { credentialUid: 'x' },
    ] as const) {
      expect(await sink.remove(identity(changes))).toEqual(ok('kept'))
      expect(visible()).toEqual(['a'])
    }
  })

  it('cleans up by itself only what the policy says', () => {
    expect(sink.needsCleanup(identity())).toBe(true)
    expect(sink.needsCleanup(identity({ deletionPolicy: 'Retain' }))).toBe(false)
    expect(sink.needsCleanup(identity({ creationPolicy: 'Orphan' }))).toBe(false)
  })

  it('names the directory that cannot be written', async () => {
    renameSync(directory, `${directory}-away`)
    writeFileSync(directory, 'a file')
    const written = await sink.publish(publication({ a: canary('at') }))
    rmSync(directory)
    renameSync(`${directory}-away`, directory)
    if (written.ok) throw new Error('it was written')
    observeOutput('failure', written.failure.message)
    expect(written.failure.message).toContain(target)
  })

  it('shows the old files or the new ones, whole, wherever the process dies', async () => {
    await sink.publish(publication({ a: 'old', b: 'old' }))
    for (let deathAt = 1; deathAt < 40; deathAt += 1) {
      const mortal = new DirectorySink({ directory, clock, steps: dyingAt(deathAt) })
      const next = `new-${deathAt}`
      const died = await mortal.publish(publication({ a: next, b: next })).then(
        () => false,
        () => true,
      )
      const [a, b] = [readFileSync(join(target, 'a'), 'utf8'), readFileSync(join(target, 'b'), 'utf8')]
      expect(a).toBe(b)
      if (!died) return expect(a).toBe(next)
      expect((await sink.publish(publication({ a: 'old', b: 'old' }))).ok).toBe(true)
      expect(readdirSync(target).filter((name) => name.includes('_new'))).toEqual([])
    }
    throw new Error('a publication has more steps than were tried')
  })
})

/** Steps of a process that ends before its `deathAt`-th change of the file system. */
function dyingAt(deathAt: number): FileSteps {
  let taken = 0
  const entries = Object.entries(fileSteps).map(([name, step]: [string, (...args: never[]) => Promise<void>]) => [
    name,
    (...args: never[]) => {
      taken += 1
      return taken >= deathAt ? Promise.reject(new Error('the process died')) : step(...args)
    },
  ])
  return Object.fromEntries(entries) as FileSteps
}
