import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'

interface BundledPackage {
  readonly name: string
  readonly license: string
  /** License and NOTICE files as the package ships them; empty when it ships none. */
  readonly text: string
}

const legalFile = /^(licen[cs]e|copying|notice)(\.(md|txt))?$/i

/**
 * The notices that the licenses of bundled packages ask for: name, version, license and text of every package
 * of which a byte is in the bundle. Packages with the same text share it.
 * @throws when a package has neither a license text nor one whose text is our own.
 */
export async function thirdPartyNotices(metafile: Metafile): Promise<string> {
  const packages = await Promise.all(packageDirectories(metafile).map(describePackage))
  const byText = Map.groupBy(
    packages.toSorted((a, b) => a.name.localeCompare(b.name)),
    ({ text }) => text,
  )
  const sections = [...byText].map(([text, members]) => sectionText(text, members))
  return ['This program contains code of the packages below, under the licenses that follow them.', ...sections].join(
    `\n\n${'-'.repeat(80)}\n\n`,
  )
}

function packageDirectories(metafile: Metafile): readonly string[] {
  const files = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([file]) => file),
  )
  const directories = files.map((file) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0])
  return [...new Set(directories.filter((directory) => directory !== undefined))]
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
  return { name: `${manifest.name} ${manifest.version} (${license})`, license, text: texts.join('\n\n').trim() }
}

function sectionText(text: string, members: readonly BundledPackage[]): string {
  const names = members.map(({ name }) => name).join('\n')
  return `${names}\n\n${text === '' ? 'The text of the Apache License 2.0 is in the file LICENSE.' : text}`
}
