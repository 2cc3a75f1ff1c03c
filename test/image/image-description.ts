import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { getContainerRuntimeClient, ImageName } from 'testcontainers'
import type { OperatorImage } from './operator-image.ts'

const run = promisify(execFile)
const listLimitBytes = 16 * 2 ** 20

/** What an image is, without running it. */
export interface ImageDescription {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly user: string
  readonly entrypoint: readonly string[]
  /** Digests of all files below /app, by their paths relative to it. */
  readonly files: ReadonlyMap<string, string>
  /** Everything in it that is not a directory, its base's too, without the leading slash. */
  readonly paths: readonly string[]
  readonly bytes: number
  /** What it adds to its base. */
  readonly addedBytes: number
}

export async function describeImage({ name, runtime }: OperatorImage): Promise<ImageDescription> {
  const { image } = await getContainerRuntimeClient()
  const { Config, Size } = await image.inspect(ImageName.fromString(name))
  const base = await image.inspect(ImageName.fromString(runtime))
  return {
    name,
    labels: Config.Labels,
    user: Config.User,
    entrypoint: [Config.Entrypoint ?? []].flat(),
    ...(await contentOf(name)),
    bytes: Size,
    addedBytes: Size - base.Size,
  }
}

/** SHA-256, in hexadecimal. */
export function digestOf(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

async function contentOf(name: string): Promise<Pick<ImageDescription, 'files' | 'paths'>> {
  const { container: client } = await getContainerRuntimeClient()
  const container = await client.create({ Image: name })
  const directory = await mkdtemp(join(tmpdir(), 'image-'))
  const archive = join(directory, 'image.tar')
  try {
    await pipeline(await container.export(), createWriteStream(archive))
    const { stdout } = await run('tar', ['-tf', archive], { maxBuffer: listLimitBytes })
    const root = join(directory, 'root')
    await mkdir(root)
    await run('tar', ['-xf', archive, '-C', root, 'app'])
    const paths = stdout.split('\n').filter((path) => path !== '' && !path.endsWith('/'))
    return { paths, files: await digestsBelow(join(root, 'app')) }
  } finally {
    await rm(directory, { recursive: true })
    await client.remove(container)
  }
}

async function digestsBelow(directory: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  return new Map(
    await Promise.all(files.map(async (file) => [relative(directory, file), digestOf(await readFile(file))] as const)),
  )
}
