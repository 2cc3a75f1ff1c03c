import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ContainerRuntimeClient, getContainerRuntimeClient } from 'testcontainers'
import { baseImages } from './base-images.ts'
import { docker } from './docker-cli.ts'
import { standInRepository, trustStore } from './stand-in-images.ts'

const context = fileURLToPath(new URL('../..', import.meta.url))

const imageName = 'oauth-credential-operator:image-suite'

/** What the image under test is told that it is. */
export const identity = { version: '9.8.7-test', revision: '0123456789abcdef0123456789abcdef01234567' } as const

/** @throws saying what to do, when no Docker daemon answers. */
export async function answeringDocker(): Promise<ContainerRuntimeClient> {
  try {
    return await getContainerRuntimeClient()
  } catch (error) {
    const remedy = 'start a Docker daemon, or name one in DOCKER_HOST'
    throw new Error(`the suite of the image needs Docker, and none answers: ${remedy}`, { cause: error })
  }
}

/** The image under test, and what it was made from. */
export interface OperatorImage {
  readonly name: string
  readonly runtime: string
}

/** Builds the image as a user does, with the machine's npm configuration and trust store as secrets. */
export async function buildImage(): Promise<OperatorImage> {
  await answeringDocker()
  const { build, runtime } = await baseImages()
  await docker(
    'build',
    // What the host reaches is what the build reaches: a registry on the loopback, a resolver of its own.
    '--network=host',
    ...buildArguments({
      BUILD_IMAGE: build,
      RUNTIME_IMAGE: runtime,
      VERSION: identity.version,
      REVISION: identity.revision,
    }),
    ...secret('npmrc', process.env['NPM_CONFIG_USERCONFIG'] ?? join(homedir(), '.npmrc')),
    ...secret('ca', process.env['NODE_EXTRA_CA_CERTS'] ?? trustStore),
    `--tag=${imageName}`,
    context,
  )
  return { name: imageName, runtime }
}

/** Removes every image that the suite has made, however far it came. */
export async function removeImages(): Promise<void> {
  const made = await Promise.all([imageName, standInRepository].map((name) => docker('image', 'ls', '--quiet', name)))
  const ids = new Set(made.flatMap((text) => text.split('\n')).filter((id) => id !== ''))
  if (ids.size > 0) await docker('image', 'rm', '--force', ...ids)
}

function buildArguments(values: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(values).map(([name, value]) => `--build-arg=${name}=${value}`)
}

function secret(id: string, path: string | undefined): readonly string[] {
  return path !== undefined && existsSync(path) ? [`--secret=id=${id},src=${path}`] : []
}
