import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { globalAgent as plainAgent } from 'node:http'
import { globalAgent as tlsAgent } from 'node:https'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type ContainerRuntimeClient, getContainerRuntimeClient, ImageName } from 'testcontainers'
import type { ServerEntry } from './server-table.ts'

const answerLimitMs = 5000
const copyLimitMs = 10 * 60_000
const progressIntervalMs = 10_000

interface ImageFile {
  readonly reference: string
  readonly path: string
}

/**
 * Copies a server's executable out of its pinned image. The copy runs as a plain process, so that suites can stop,
 * pause and restart it the same way whatever it came from.
 * @returns false when there is no image for it here, no Docker daemon answers, or the image cannot be had.
 */
export async function copyFromImage(entry: ServerEntry, directory: string): Promise<boolean> {
  // An image holds Linux executables: of no use to a host of another kind.
  if (entry.image === undefined || process.platform !== 'linux') return false
  const docker = await answeringDocker()
  if (docker === undefined) return false
  const reference = entry.image.reference.replace('{version}', entry.recipe.version().replace(/^v/, ''))
  const stopProgress = reportProgress(`${entry.name}: copying from ${reference}`)
  try {
    const copying = copyFile(docker, { reference, path: entry.image.path }, join(directory, entry.executable))
    await within(copyLimitMs, `took more than ${copyLimitMs / 60_000} min`, copying)
    return true
  } catch (error) {
    console.log(`${entry.name}: not from ${reference} (${(error as Error).message.trim()}), building it instead`)
    return false
  } finally {
    stopProgress()
  }
}

async function answeringDocker(): Promise<ContainerRuntimeClient | undefined> {
  try {
    return await within(answerLimitMs, 'Docker does not answer', getContainerRuntimeClient())
  } catch {
    return undefined
  }
}

/**
 * Copies one file of an image, pulling the image when it is not there. Its container is made and removed, never
 * started: nothing of the image runs, and so there is nothing that the reaper (Ryuk, an image of its own that would
 * have to be pulled as well) would have to clean up after.
 */
async function copyFile(docker: ContainerRuntimeClient, file: ImageFile, target: string): Promise<void> {
  const image = ImageName.fromString(file.reference)
  await docker.image.pull(image)
  const container = await docker.container.create({
    Image: image.string,
    name: `oauth-credential-operator-${randomUUID()}`,
    // An image without a command cannot become a container; this one is never run.
    Cmd: [file.path],
  })
  try {
    await extractOnlyFile(await docker.container.fetchArchive(container, file.path), target)
  } finally {
    await docker.container.remove(container, { removeVolumes: true })
  }
  // A link is archived as a link, without content.
  if ((await stat(target)).size === 0) throw new Error(`${file.path} is not a file there`)
}

/**
 * Goes through a file: tar ends where the archive says so, before its padding, and what still writes to it then fails.
 * Contents are written by us instead of unpacked, so that no name, owner or link in the archive means anything here.
 */
async function extractOnlyFile(archive: NodeJS.ReadableStream, target: string): Promise<void> {
  const file = `${target}.tar`
  try {
    await pipeline(archive, createWriteStream(file))
    const tar = spawn('tar', ['-xOf', file], { stdio: ['ignore', 'pipe', 'ignore'] })
    const ended = new Promise<void>((resolve, reject) => {
      tar.once('error', reject)
      tar.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`tar ended with ${code ?? 'a signal'}`))))
    })
    await Promise.all([ended, pipeline(tar.stdout, createWriteStream(target, { mode: 0o755 }))])
  } finally {
    await rm(file, { force: true })
  }
}

/** The client's requests have no time limit of their own; destroying their sockets is what ends them, and lets us end. */
async function within<T>(milliseconds: number, problem: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(problem))
      plainAgent.destroy()
      tlsAgent.destroy()
    }, milliseconds)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function reportProgress(task: string): () => void {
  const start = Date.now()
  const report = (): void => console.log(`${task}, ${Math.round((Date.now() - start) / 1000)} s`)
  report()
  const timer = setInterval(report, progressIntervalMs)
  return () => clearInterval(timer)
}
