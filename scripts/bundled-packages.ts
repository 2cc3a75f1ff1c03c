import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'

/** A package of which a byte is in the bundle. */
export interface BundledPackage {
  /** Where it lies, from the project: `node_modules/undici`. */
  readonly directory: string
  readonly name: string
  readonly version: string
  /** SPDX identifier or expression, as the package says it. */
  readonly license: string
  /** License and NOTICE files as the package ships them; empty when it ships none. */
  readonly text: string
}

const legalFile = /^(licen[cs]e|copying|notice)(\.(md|txt))?$/i

/**
 * Every package in the bundle, by name.
 * @throws when a package has neither a license text nor one whose text is our own.
 */
export async function bundledPackages(metafile: Metafile): Promise<readonly BundledPackage[]> {
  const files = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([file]) => file),
  )
  const directories = new Set(files.map(packageDirectory).filter((directory) => directory !== undefined))
  const packages = await Promise.all([...directories].map(describePackage))
  return packages.toSorted((a, b) => compare(a.name, b.name) || compare(a.directory, b.directory))
}

/** Of the package that a file of a bundle is part of; undefined for our own and for Node's. */
export function packageDirectory(file: string): string | undefined {
  return /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0]
}

/** The same on every machine, whatever its language is. */
function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

async function describePackage(directory: string): Promise<BundledPackage> {
  const manifest = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as {
    name: string
    version: string
    license?: string
  }
  const license = manifest.license ?? 'no license'
  const files = (await readdir(directory)).filter((name) => legalFile.test(name)).toSorted()
  const texts = await Promise.all(files.map((name) => readFile(join(directory, name), 'utf8')))
  // Some packages of the AWS SDK name their license and leave its text to the repository that they come from.
  if (texts.length === 0 && license !== 'Apache-2.0') {
    throw new Error(`${directory} ships no license text and says "${license}": its notice has to be written by hand`)
  }
  return { directory, name: manifest.name, version: manifest.version, license, text: texts.join('\n\n').trim() }
}
