import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { getContainerRuntimeClient, ImageName } from 'testcontainers'
import { buildStandIn, runtimeStandIn } from './stand-in-images.ts'

const dockerfile = fileURLToPath(new URL('../../Dockerfile', import.meta.url))

/** What the two stages of the Dockerfile start from. */
export interface BaseImages {
  readonly build: string
  readonly runtime: string
}

/**
 * Those that BUILD_IMAGE and RUNTIME_IMAGE name; else the Dockerfile's own; else, where these cannot be pulled, ones
 * that are made from the files of this machine and stand in for them.
 */
export async function baseImages(): Promise<BaseImages> {
  return {
    build: await baseImage('BUILD_IMAGE', buildStandIn),
    runtime: await baseImage('RUNTIME_IMAGE', runtimeStandIn),
  }
}

async function baseImage(argument: string, makeStandIn: () => Promise<string>): Promise<string> {
  const named = process.env[argument]
  if (named !== undefined && named !== '') return named
  const reference = await defaultOf(argument)
  const { image } = await getContainerRuntimeClient()
  try {
    const name = ImageName.fromString(reference)
    await image.pull(name)
    if (await image.exists(name)) return reference
  } catch {
    // Whatever the reason is: it cannot be had from here.
  }
  console.log(`${reference} cannot be pulled: an image of this machine's files stands in for ${argument}`)
  return makeStandIn()
}

async function defaultOf(argument: string): Promise<string> {
  const [, reference] = new RegExp(`^ARG ${argument}=(\\S+)$`, 'm').exec(await readFile(dockerfile, 'utf8')) ?? []
  if (reference === undefined) throw new Error(`the Dockerfile has no default for ${argument}`)
  return reference
}
