import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readStatusFile, StatusFile } from '../../../src/adapters/files/status-file.ts'
import { decodeState, encodeStatus } from '../../../src/api/decode.ts'
import { refreshedState } from '../../support/builders.ts'
import { observeOutput } from '../../support/canary.ts'

let directory: string
let path: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'status-'))
  path = join(directory, 'status.json')
})

afterEach(() => rmSync(directory, { recursive: true, force: true }))

function report(name: string, refreshes = 1): Parameters<StatusFile['write']>[0] {
  return { key: { namespace: 'ci', name }, uid: `ci.${name}`, state: refreshedState(60, 3600, { refreshes }) }
}

describe('StatusFile', () => {
  it('keeps every credential, and gives the next process what this one knew', async () => {
    const file = new StatusFile({ path, encode: encodeStatus })
    await Promise.all([file.write(report('one')), file.write(report('two', 5))])
    const next = new StatusFile({ path, encode: encodeStatus })
    await next.load()
    expect(decodeState(next.status('ci', 'two')?.status).refreshes).toBe(5)
    expect((await readStatusFile(path)).map(({ name }) => name)).toEqual(['one', 'two'])
    observeOutput('status file', readFileSync(path, 'utf8'))
  })

  it('resolves a report only when the file has it, however many come at once', async () => {
    const file = new StatusFile({ path, encode: encodeStatus })
    const writes = Array.from({ length: 200 }, async (_, index) => {
      await file.write(report(`c-${index}`))
      expect((await readStatusFile(path)).some(({ name }) => name === `c-${index}`)).toBe(true)
    })
    await Promise.all(writes)
    expect(await readStatusFile(path)).toHaveLength(200)
  })

  it('forgets what has no manifest any more', async () => {
    const file = new StatusFile({ path, encode: encodeStatus })
    await file.write(report('one'))
    await file.write(report('two'))
    await file.keepOnly(new Set(['ci/two']))
    expect((await readStatusFile(path)).map(({ name }) => name)).toEqual(['two'])
    await file.forget('ci', 'two')
    expect(await readStatusFile(path)).toEqual([])
  })

  it.each(['', '{', '{"version":2}', '[]'])('takes %j for empty', async (text) => {
    writeFileSync(path, text)
    expect(await readStatusFile(path)).toEqual([])
  })

  it('can be read by others, and leaves no draft behind', async () => {
    const file = new StatusFile({ path, encode: encodeStatus })
    writeFileSync(join(directory, '.status.json.new'), 'left by a process that died')
    await file.write(report('one'))
    expect(statSync(path).mode & 0o777).toBe(0o644)
    expect(await readStatusFile(path)).toHaveLength(1)
  })

  it('says which file cannot be written', async () => {
    const file = new StatusFile({ path: join(directory, 'missing', 'status.json'), encode: encodeStatus })
    const written = await file.write(report('one'))
    expect(!written.ok && written.failure.message).toContain(join(directory, 'missing', 'status.json'))
  })
})
