import { execFileSync } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ManifestFile, readManifestFiles } from '../../../src/adapters/files/manifest-files.ts'
import { canary, observeOutput } from '../../support/canary.ts'
import { temporaryDirectory } from './temporary-directory.ts'

let warnings: string[]
const keep = (warning: Error): void => void warnings.push(warning.message)

beforeEach(() => {
  warnings = []
  process.on('warning', keep)
})

afterEach(() => {
  process.off('warning', keep)
})

async function read(text: string): Promise<ManifestFile | undefined> {
  const directory = await temporaryDirectory()
  await writeFile(join(directory, 'a.yaml'), text)
  const [file] = await readManifestFiles(directory)
  observeOutput('problem', file?.problem ?? '')
  return file
}

const aliases = 'this document has an alias (*name) that leads nowhere or in a circle, or too many of them'

describe('a manifest file', () => {
  it('that is a pipe has a problem, and is not waited for', async () => {
    const directory = await temporaryDirectory()
    execFileSync('mkfifo', [join(directory, 'a.yaml')])
    await writeFile(join(directory, 'b.yaml'), 'kind: B\n')
    const files = await readManifestFiles(directory)
    expect(files.map(({ path, objects, problem }) => [path, objects, problem])).toEqual([
      ['a.yaml', [], 'it is no regular file'],
      ['b.yaml', [{ kind: 'B' }], undefined],
    ])
  })

  it.each([
    ['an alias without an anchor', 'kind: A\n---\nhost: *.example.com\n', `line 3, column 7: ${aliases}`],
    ['an alias of what it is in', 'spec: &a {x: *a}\n', `line 1, column 14: ${aliases}`],
    ['aliases without end', `a: &a [x]\nb: &b [${'*a,'.repeat(60)}]\nc: [${'*b,'.repeat(60)}]\n`, aliases],
    ['a bracket that is not closed', 'kind: A\nspec: [1,\n', 'line 3, column 1: '],
    ['a name twice', 'kind: A\nkind: B\n', 'line 2, column 1: DUPLICATE_KEY'],
  ])('with %s has a problem, and no objects', async (_, text, problem) => {
    const file = await read(text)
    expect(file?.problem).toContain(problem)
    expect(file?.objects).toEqual([])
  })

  it('is never quoted, neither in a problem nor in a warning', async () => {
    for (const text of [
      '{{ TOKEN }}: 1\n',
      'a: "TOKEN\n b: [',
      '? [TOKEN]\n: 1\n',
      'a: *TOKEN\n',
      'a: !TOKEN x\n',
      '%TOKEN\n---\n',
    ]) {
      await read(text.replace('TOKEN', canary('secret')))
    }
    await new Promise((resolve) => setImmediate(resolve))
    observeOutput('warnings', warnings.join('\n'))
    expect(warnings).toEqual([])
  })

  it('may be empty, or hold comments and empty documents', async () => {
    for (const text of ['', '# nothing\n', '---\n---\n', 'null\n', '- 1\n', 'text\n']) {
      expect(await read(text)).toMatchObject({ objects: [] })
    }
    expect((await read('---\n---\nkind: A\n---\n# end\n'))?.objects).toEqual([{ kind: 'A' }])
  })

  it('may be a link, as in a mounted ConfigMap, and is read once', async () => {
    const directory = await temporaryDirectory()
    await mkdir(join(directory, '..2026_11_21'))
    await writeFile(join(directory, '..2026_11_21/a.yaml'), 'kind: A\n')
    await symlink('..2026_11_21', join(directory, '..data'))
    await symlink('..data/a.yaml', join(directory, 'a.yaml'))
    expect(await readManifestFiles(directory)).toMatchObject([{ path: 'a.yaml', objects: [{ kind: 'A' }] }])
  })

  it('that is a directory by its nature is not a file', async () => {
    const directory = await temporaryDirectory()
    await mkdir(join(directory, 'a.yaml'))
    await writeFile(join(directory, 'a.yaml', 'b.yaml'), 'kind: B\n')
    expect(await readManifestFiles(directory)).toMatchObject([{ path: 'a.yaml/b.yaml', objects: [{ kind: 'B' }] }])
  })
})
