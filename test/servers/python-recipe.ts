import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pinsDirectory } from './recipe.ts'
import type { Recipe } from './recipe.ts'

export interface PythonRecipeOptions {
  /** Requirements file in this folder, with every package pinned. */
  readonly requirements: string
  /** Package whose pinned version is the server's version. */
  readonly package: string
  /** Module that `python -m` runs; absent: a program of ours. */
  readonly module?: string
  /** File in this folder that is run instead. */
  readonly program?: string
  readonly executable: string
}

/** @returns a recipe that installs pinned packages into a virtual environment and writes a launcher for one module, or for a program. */
export function pythonRecipe(options: PythonRecipeOptions): Recipe {
  const file = join(pinsDirectory, options.requirements)
  const { module = '', program } = options
  const run = program === undefined ? `-m ${module}` : `"$(dirname "$0")/${program}"`
  const launcher = `#!/bin/sh\nexec "$(dirname "$0")/venv/bin/python" ${run} "$@"\n`
  const text = program === undefined ? '' : readFileSync(join(pinsDirectory, program), 'utf8')
  const pins = (): string => readFileSync(file, 'utf8')
  return {
    version: () => pinnedVersion(pins(), options.package),
    inputs: () => `${pins()}\n${launcher}${text}`,
    build: async (directory, step) => {
      const environment = join(directory, 'venv')
      await step('python3', ['-m', 'venv', environment])
      const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-deps', '-r', file]
      await step(join(environment, 'bin', 'python'), pip)
      // Not the script that pip wrote: that names the interpreter by its absolute path, which the rename changes.
      const path = join(directory, options.executable)
      writeFileSync(path, launcher)
      chmodSync(path, 0o755)
      if (program !== undefined) writeFileSync(join(directory, program), text)
    },
    remedy: 'install Python 3.10 or newer with its venv module (Debian: python3-venv)',
  }
}

function pinnedVersion(requirements: string, name: string): string {
  for (const line of requirements.split('\n')) {
    const [requirement = '', version] = line.trim().split('==')
    if (requirement.replace(/\[.*\]$/, '') === name && version !== undefined) return version
  }
  throw new Error(`the requirements file pins no version of ${name}`)
}
