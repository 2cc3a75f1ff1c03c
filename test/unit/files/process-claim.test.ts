import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { mkdir, rename, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { claimFile, type ProcessClaim } from '../../../src/adapters/files/process-claim.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const claimant = join(import.meta.dirname, 'claimant.ts')

/** A process that claims the path, says `held` or why not, and waits to be killed. */
async function otherProcess(path: string): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, [claimant, path], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, said: said.toString().trim() }
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

function held(outcome: ReturnType<typeof claimFile>): ProcessClaim {
  if (outcome.kind !== 'held') throw new Error(outcome.by)
  return outcome.claim
}

describe('a claim on a file', () => {
  it('keeps this and every other process out until it is released', async () => {
    const path = join(await temporaryDirectory(), 'file')
    const claim = held(claimFile(path))
    expect(claimFile(path)).toEqual({ kind: 'taken', by: 'this process' })
    const other = await otherProcess(path)
    expect(other.said).toBe(`another process (pid ${process.pid})`)
    await killed(other.child)
    claim.release()
    claim.release()
    held(claimFile(path)).release()
    expect(readdirSync(join(path, '..'))).toEqual([])
  })

  it('of a process that was killed is void, and is cleared away', async () => {
    const path = join(await temporaryDirectory(), 'file')
    const { child, said } = await otherProcess(path)
    expect(said).toBe('held')
    expect(claimFile(path)).toEqual({ kind: 'taken', by: `another process (pid ${child.pid})` })
    await killed(child)
    expect(readdirSync(join(path, '..'))).toHaveLength(1)
    held(claimFile(path)).release()
    expect(readdirSync(join(path, '..'))).toEqual([])
  })

  it.each([
    ['the start time of another process that had the same pid', 3, '1'],
    ['a boot before this one', 1, 'ffffffff'],
    ['a pid that nobody can have', 2, '0'],
  ])('with %s is void', async (_, field, value) => {
    const path = join(await temporaryDirectory(), 'file')
    const { child } = await otherProcess(path)
    await changeClaim(path, field, value)
    held(claimFile(path)).release()
    await killed(child)
  })

  it('of another machine stands, unless claims are short and it is old', async () => {
    const path = join(await temporaryDirectory(), 'file')
    const { child } = await otherProcess(path)
    await killed(child)
    const file = await changeClaim(path, 0, 'ffffffff')
    const by = `a process on another machine, which left ${file}: remove that file if the machine is gone`
    expect(claimFile(path)).toEqual({ kind: 'taken', by })
    expect(claimFile(path, { foreignExpiryMs: 60_000 })).toEqual({ kind: 'taken', by })
    await utimes(file, new Date(Date.now() - 61_000), new Date(Date.now() - 61_000))
    held(claimFile(path, { foreignExpiryMs: 60_000 })).release()
    expect(readdirSync(join(path, '..'))).toEqual([])
  })

  it('that could not be removed when it was let go does not stand in the way', async () => {
    const directory = join(await temporaryDirectory(), 'volume')
    await mkdir(directory)
    const claim = held(claimFile(join(directory, 'file')))
    await rename(directory, `${directory}-away`)
    claim.release()
    await rename(`${directory}-away`, directory)
    expect(readdirSync(directory)).toHaveLength(1)
    held(claimFile(join(directory, 'file'))).release()
    expect(readdirSync(directory)).toEqual([])
  })

  it('is about one file of a directory', async () => {
    const directory = await temporaryDirectory()
    const claim = held(claimFile(join(directory, 'one')))
    held(claimFile(join(directory, 'two'))).release()
    writeFileSync(join(directory, '.two.claim.what.is.this'), '')
    held(claimFile(join(directory, 'one.claim'))).release()
    claim.release()
  })
})

/** Changes one of the claim's fields: host, boot, pid, start time, nonce. */
async function changeClaim(path: string, field: number, value: string): Promise<string> {
  const directory = join(path, '..')
  const [name = ''] = readdirSync(directory)
  const prefix = '.file.claim.'
  const fields = name.slice(prefix.length).split('.')
  const changed = join(directory, prefix + fields.with(field, value).join('.'))
  await rename(join(directory, name), changed)
  return changed
}
