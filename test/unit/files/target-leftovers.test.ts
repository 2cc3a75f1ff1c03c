import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { DirectorySink } from '../../../src/adapters/files/directory-sink.ts'
import { fileSteps } from '../../../src/adapters/files/file-steps.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { Death, mortal } from './mortal.ts'
import { said } from './said.ts'
import { claudeTarget, clock, publicationOf } from './target-publications.ts'
import { temporaryDirectoryInMemory } from './temporary-directory.ts'

let directory: string
let target: string
let sink: DirectorySink

beforeEach(async () => {
  directory = await temporaryDirectoryInMemory()
  target = join(directory, 'ci', 'claude-token')
  sink = new DirectorySink({ directory, clock })
})

/** Lets a process do something and die at its `diesAt`-th change of the file system. True when it died. */
async function dying(diesAt: number, act: (mortalSink: DirectorySink) => Promise<unknown>): Promise<boolean> {
  const { steps } = mortal(fileSteps, { diesAt })
  try {
    // Nothing of a process that died happens later.
    await act(new DirectorySink({ directory, clock, steps, graceMs: 3_600_000 }))
    return false
  } catch (error) {
    if (error instanceof Death) return true
    throw error
  }
}

function visible(): readonly string[] {
  return readdirSync(target).filter((name) => !name.startsWith('..'))
}

const someoneElse = { ...claudeTarget, credential: { namespace: 'ci', name: 'other' }, credentialUid: 'ci.other' }

describe('a target directory after a death', () => {
  it('of its first publication is taken up by the next, or removed whole', async () => {
    for (let diesAt = 1; await dying(diesAt, (mortalSink) => mortalSink.publish(publicationOf(1))); diesAt += 1) {
      expect((await sink.observe(claudeTarget, ['a'])).ok).toBe(true)
      if (diesAt % 2 === 0) expect(await said(sink.publish(publicationOf(2)))).toBe('ok')
      expect(await said(sink.remove(claudeTarget))).toBe('ok')
      expect(existsSync(target) ? readdirSync(target) : []).toEqual([])
    }
    expect(visible()).toEqual(['a', 'b', 'sometimes-1'])
  })

  it('of its removal is removed by the next', async () => {
    for (let diesAt = 1; ; diesAt += 1) {
      await sink.publish(publicationOf(1))
      await sink.publish(publicationOf(2))
      const died = await dying(diesAt, (mortalSink) => mortalSink.remove(claudeTarget))
      await sink.remove(claudeTarget)
      expect(existsSync(target) ? readdirSync(target) : []).toEqual([])
      if (!died) break
    }
  })

  it('shows no key of an earlier publication', async () => {
    for (let diesAt = 1; ; diesAt += 1) {
      await sink.publish(publicationOf(1))
      const died = await dying(diesAt, (mortalSink) => mortalSink.publish(publicationOf(2)))
      await sink.publish(publicationOf(4))
      expect(visible(), `death at step ${diesAt}`).toEqual(['a', 'b'])
      if (!died) break
    }
  })

  it("of another credential's first publication is theirs", async () => {
    let steps = 0
    while (await dying(steps + 1, (mortalSink) => mortalSink.publish({ ...publicationOf(1), identity: someoneElse }))) {
      steps += 1
      await sink.remove(someoneElse)
    }
    await sink.remove(someoneElse)
    await dying(steps - 4, (mortalSink) => mortalSink.publish({ ...publicationOf(1), identity: someoneElse }))
    const before = readdirSync(target)
    expect(await sink.observe(claudeTarget, [])).toEqual({
      ok: true,
      value: { kind: 'foreign', owner: 'OAuthCredential ci/other', byCredential: true },
    })
    expect(await said(sink.publish(publicationOf(1)))).toContain('TARGET_NOT_OWNED')
    await sink.remove(claudeTarget)
    expect(readdirSync(target)).toEqual(before)
  })
})

describe('what somebody else put into a target directory', () => {
  it.each([
    ['a hidden directory', '..theirs'],
    ['a hidden directory that looks like ours', '..2026_11_21_05_30_12.0a0b'],
    ['a mounted Secret', '..data'],
  ])('is never touched: %s', async (what, name) => {
    mkdirSync(join(target, '..2026_11_21_05_30_12.123'), { recursive: true })
    if (what === 'a mounted Secret') {
      writeFileSync(join(target, '..2026_11_21_05_30_12.123', 'key'), 'theirs')
      symlinkSync('..2026_11_21_05_30_12.123', join(target, '..data'))
      symlinkSync('..data/key', join(target, 'key'))
    } else {
      mkdirSync(join(target, name))
      writeFileSync(join(target, name, 'key'), 'theirs')
    }
    expect(await sink.observe(claudeTarget, [])).toMatchObject({ value: { kind: 'foreign' } })
    expect(await said(sink.publish(publicationOf(1)))).toContain('TARGET_NOT_OWNED')
    await sink.remove(claudeTarget)
    expect(readFileSync(join(target, name, 'key'), 'utf8')).toBe('theirs')
  })

  it('stays while publications come and go', async () => {
    await sink.publish(publicationOf(2))
    writeFileSync(join(target, 'note'), 'theirs')
    mkdirSync(join(target, '..hidden'))
    symlinkSync('/nowhere', join(target, 'link'))
    await sink.publish(publicationOf(4))
    await sink.publish(publicationOf(6))
    await sink.remove(claudeTarget)
    expect(readdirSync(target).toSorted((a, b) => a.localeCompare(b))).toEqual(['..hidden', 'link', 'note'])
  })

  it('is not overwritten by a key that it has the name of', async () => {
    await sink.publish(publicationOf(2))
    writeFileSync(join(target, 'new'), 'theirs')
    const more = { ...publicationOf(4), files: new Map([['new', new Sensitive('ours')]]) }
    expect(await said(sink.publish(more))).toContain(
      `TARGET_NOT_OWNED: The file ${join(target, 'new')} is in the way: the operator did not write it.`,
    )
    expect(readFileSync(join(target, 'new'), 'utf8')).toBe('theirs')
    expect(visible()).toEqual(['a', 'b', 'new'])
  })
})
