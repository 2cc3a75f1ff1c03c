import { execFile } from 'node:child_process'
import { constants, existsSync } from 'node:fs'
import { access, chmod, copyFile, cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { docker } from './docker-cli.ts'

const run = promisify(execFile)

/** Where images are that this suite makes of files. */
export const standInRepository = 'oauth-credential-operator-stand-in'

/** The trust store, where this distribution has it. */
export const trustStore = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
].find((path) => existsSync(path))

/** A Linux with Node, npm and a shell, like node:24-bookworm-slim. */
export function buildStandIn(): Promise<string> {
  return importRoot('build', async (root) => {
    await addProgram(root, process.execPath, '/usr/local/bin/node')
    await addProgram(root, '/bin/sh', '/bin/sh')
    await addProgram(root, await onPath('env'), '/usr/bin/env')
    const npm = '/usr/local/lib/node_modules/npm'
    // The command is a link to bin/npm-cli.js of the package.
    await cp(dirname(dirname(await realpath(await onPath('npm')))), join(root, npm), { recursive: true })
    await symlink(join(npm, 'bin/npm-cli.js'), join(root, '/usr/local/bin/npm'))
  })
}

/** What Node needs to run and nothing else, with Node where distroless has it. */
export function runtimeStandIn(): Promise<string> {
  return importRoot('runtime', async (root) => {
    await addProgram(root, process.execPath, '/nodejs/bin/node')
  })
}

/**
 * Makes an image of a directory that `fill` fills.
 * @returns its name.
 */
export async function importRoot(tag: string, fill: (root: string) => Promise<void>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'stand-in-'))
  const archive = `${root}.tar`
  try {
    await chmod(root, 0o755)
    await mkdir(join(root, 'tmp'))
    await chmod(join(root, 'tmp'), 0o1777)
    await mkdir(join(root, 'etc/ssl/certs'), { recursive: true })
    await writeFile(join(root, 'etc/passwd'), 'root:x:0:0::/root:\nnonroot:x:65532:65532::/home/nonroot:\n')
    if (trustStore !== undefined) await copyFile(trustStore, join(root, 'etc/ssl/certs/ca-certificates.crt'))
    await fill(root)
    await run('tar', ['-C', root, '--owner=0', '--group=0', '--numeric-owner', '-cf', archive, '.'])
    const name = `${standInRepository}:${tag}`
    const path = 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    await docker('import', '--change', path, archive, name)
    return name
  } finally {
    await rm(root, { recursive: true, force: true })
    await rm(archive, { force: true })
  }
}

async function addProgram(root: string, source: string, target: string): Promise<void> {
  await addFile(root, source, target)
  const { stdout } = await run('ldd', [source])
  // Lines are `name => path (address)`, or `path (address)` for the loader, whose place programs know by heart.
  const libraries = [...stdout.matchAll(/(?:^|\s)(\/\S+) \(0x/g)].map(([, path = '']) => path)
  for (const library of libraries) await addFile(root, library, library)
}

async function addFile(root: string, source: string, target: string): Promise<void> {
  const path = join(root, target)
  await mkdir(dirname(path), { recursive: true })
  await copyFile(await realpath(source), path)
}

async function onPath(program: string): Promise<string> {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(directory, program)
    try {
      await access(path, constants.X_OK)
      return path
    } catch {
      continue
    }
  }
  throw new Error(`${program} is not on PATH`)
}
