import { execFile } from 'node:child_process'
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pinsDirectory } from './recipe.ts'
import type { Recipe } from './recipe.ts'

export interface GoRecipeOptions {
  /** Folder of go.mod and go.sum, below this one; this one by default. */
  readonly directory?: string
  /** Module whose required version is the server's version. */
  readonly module: string
  /** Executable name to main package. */
  readonly packages: Readonly<Record<string, string>>
  /** Files of our own that are built, below the folder. */
  readonly sources?: readonly string[]
  /** File names of their own to files of the module, which stand beside the executables. */
  readonly files?: Readonly<Record<string, string>>
  readonly tags?: string
  readonly linkerFlags?: (version: string) => string
}

/** @returns a recipe that builds main packages at the versions pinned in a go.mod. */
export function goRecipe(options: GoRecipeOptions): Recipe {
  const directory = join(pinsDirectory, options.directory ?? '.')
  const textOf = (name: string): string => readFileSync(join(directory, name), 'utf8')
  const pins = (): string => textOf('go.mod')
  const version = (): string => requiredVersion(pins(), options.module)
  const flags = (): string[] => buildFlags(options, version())
  return {
    version,
    inputs: () =>
      [
        pins(),
        textOf('go.sum'),
        ...flags(),
        JSON.stringify(options.packages),
        ...(options.files === undefined ? [] : [JSON.stringify(options.files)]),
        ...(options.sources ?? []).map(textOf),
      ].join('\n'),
    build: async (target, run) => {
      for (const [executable, mainPackage] of Object.entries(options.packages)) {
        await run('go', ['build', ...flags(), '-o', join(target, executable), mainPackage], {
          cwd: directory,
          env: buildEnvironment,
        })
      }
      await copyFiles(options, directory, target)
    },
    remedy: 'install Go 1.26.1 or newer',
  }
}

// Static executables run on any distribution; a caller's workspace or build flags must not change what is built.
const buildEnvironment = { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOWORK: 'off' }

function buildFlags(options: GoRecipeOptions, version: string): string[] {
  const linkerFlags = ['-s -w', options.linkerFlags?.(version) ?? ''].join(' ').trim()
  const tags = options.tags === undefined ? [] : ['-tags', options.tags]
  return ['-trimpath', '-buildvcs=false', ...tags, '-ldflags', linkerFlags]
}

async function copyFiles({ module, files = {} }: GoRecipeOptions, cwd: string, target: string): Promise<void> {
  if (Object.keys(files).length === 0) return
  const env = { ...process.env, ...buildEnvironment }
  const { stdout } = await promisify(execFile)('go', ['list', '-m', '-f', '{{.Dir}}', module], { cwd, env })
  for (const [name, path] of Object.entries(files)) copyFileSync(join(stdout.trim(), path), join(target, name))
}

/** Linker flags without which Kubernetes executables report v0.0.0 and answer version checks wrongly. */
export function kubernetesLinkerFlags(version: string): string {
  const [major = '', minor = ''] = version.replace(/^v/, '').split('.')
  const variables = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' }
  return ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']
    .flatMap((path) => Object.entries(variables).map(([name, value]) => `-X ${path}.${name}=${value}`))
    .join(' ')
}

function requiredVersion(goMod: string, module: string): string {
  for (const line of goMod.split('\n')) {
    const [first, second, third] = line.trim().split(/\s+/)
    const [path, version] = first === 'require' ? [second, third] : [first, second]
    if (path === module && version?.startsWith('v') === true) return version
  }
  throw new Error(`go.mod requires no version of ${module}`)
}
