import { createHash } from 'node:crypto'
import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Nothing can be pulled by this name; the image is imported. */
export const readerImage = 'reader.test/reader:1'

const owner = ['--owner=0', '--group=0', '--numeric-owner', '--mtime=@0']

/**
 * Makes an image of one static executable, as an archive that container runtimes import.
 * @returns the path of the archive, in the directory.
 */
export async function archiveImage(directory: string, executable: string): Promise<string> {
  const root = join(directory, 'root')
  mkdirSync(root, { recursive: true })
  copyFileSync(executable, join(root, 'reader'))
  await run('tar', ['-C', root, ...owner, '-cf', join(directory, 'layer.tar'), '.'])
  const layer = createHash('sha256')
    .update(readFileSync(join(directory, 'layer.tar')))
    .digest('hex')
  const config = {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Entrypoint: ['/reader'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
  }
  const manifest = [{ Config: 'config.json', RepoTags: [readerImage], Layers: ['layer.tar'] }]
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config))
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest))
  const archive = join(directory, 'image.tar')
  await run('tar', ['-C', directory, '-cf', archive, 'manifest.json', 'config.json', 'layer.tar'])
  return archive
}
