import { execFile } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { getContainerRuntimeClient, ImageName } from 'testcontainers'
import type { OperatorImage } from './operator-image.ts'

/** What an image is, without running it. */
export interface ImageDescription {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly user: string
  readonly entrypoint: readonly string[]
  /** Paths of all files below /app, relative to it. */
  readonly files: readonly string[]
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
    files: await filesBelowApp(name),
    addedBytes: Size - base.Size,
  }
}

async function filesBelowApp(name: string): Promise<readonly string[]> {
  const { container: client } = await getContainerRuntimeClient()
  const container = await client.create({ Image: name })
  const directory = await mkdtemp(join(tmpdir(), 'image-'))
  const archive = join(directory, 'app.tar')
  try {
    await pipeline(await client.fetchArchive(container, '/app'), createWriteStream(archive))
    const { stdout } = await promisify(execFile)('tar', ['-tf', archive])
    const paths = stdout.split('\n').filter((path) => path !== '' && !path.endsWith('/'))
    return paths.map((path) => path.replace(/^app\//, ''))
  } finally {
    await rm(directory, { recursive: true })
    await client.remove(container)
  }
}
