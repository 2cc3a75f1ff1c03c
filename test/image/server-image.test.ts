import { execFile } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { copyFromImage } from '../servers/docker-image.ts'
import { type ServerEntry, serverEntry } from '../servers/server-table.ts'
import { answeringDocker, removeImages } from './operator-image.ts'
import { importRoot, standInRepository } from './stand-in-images.ts'

const reference = `${standInRepository}:server-{version}`
// As large as executables are: a small archive fits into buffers, whatever its reader does.
const content = randomBytes(64 * 2 ** 20)

describe('a server from its image', () => {
  const directory = mkdtempSync(join(tmpdir(), 'server-image-'))

  beforeAll(async () => {
    await answeringDocker()
    await importRoot(`server-${serverEntry('etcd').recipe.version().replace(/^v/, '')}`, async (root) => {
      mkdirSync(join(root, 'bin'))
      writeFileSync(join(root, 'bin/etcd'), content)
      symlinkSync('/etc/passwd', join(root, 'bin/link'))
    })
  })

  afterEach(() => {
    vi.restoreAllMocks()
  })

  afterAll(async () => {
    rmSync(directory, { recursive: true })
    await removeImages()
  })

  it('is copied out of it, ready to run, and leaves no container', async () => {
    const before = await containers()
    expect(await copyFromImage(entryAt({ reference, path: '/bin/etcd' }), directory)).toBe(true)
    expect(readFileSync(join(directory, 'etcd')).equals(content)).toBe(true)
    expect(readdirSync(directory)).toEqual(['etcd'])
    expect(statSync(join(directory, 'etcd')).mode & 0o777).toBe(0o755)
    expect(await containers()).toBe(before)
  })

  it.each([
    ['the image cannot be pulled', { reference: '127.0.0.1:1/absent:{version}', path: '/bin/etcd' }, 'refused'],
    ['the image has no such file', { reference, path: '/bin/absent' }, '/bin/absent'],
    ['the image has a link there', { reference, path: '/bin/link' }, '/bin/link is not a file there'],
  ])('is built instead when %s, saying why', async (_case, image, why) => {
    const before = await containers()
    const log = vi.spyOn(console, 'log')
    expect(await copyFromImage(entryAt(image), directory)).toBe(false)
    const said = log.mock.calls.map(([line]) => String(line)).at(-1)
    expect(said).toMatch(/^etcd: not from \S+ \(.*\), building it instead$/)
    expect(said).toContain(why)
    expect(await containers()).toBe(before)
  })

  it('is built instead, in time and without a word, when a Docker daemon never answers', async ({ onTestFinished }) => {
    const socket = join(directory, 'docker.sock')
    const daemon = createServer().listen(socket)
    onTestFinished(() => void daemon.close())
    // In a process of its own: the client remembers its daemon, and the process must be able to end.
    const program = [
      `import { copyFromImage } from ${JSON.stringify(moduleUrl('docker-image.ts'))}`,
      `import { serverEntry } from ${JSON.stringify(moduleUrl('server-table.ts'))}`,
      `console.log(await copyFromImage(serverEntry('etcd'), ${JSON.stringify(directory)}))`,
    ].join('\n')
    const env = { ...process.env, DOCKER_HOST: `unix://${socket}` }
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      env,
      timeout: 15_000,
    })
    expect(stdout).toBe('false\n')
  })
})

function entryAt(image: NonNullable<ServerEntry['image']>): ServerEntry {
  return { ...serverEntry('etcd'), image }
}

function moduleUrl(name: string): string {
  return new URL(`../servers/${name}`, import.meta.url).href
}

async function containers(): Promise<number> {
  const { container } = await answeringDocker()
  return (await container.dockerode.listContainers({ all: true })).length
}
