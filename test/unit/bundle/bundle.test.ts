import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundleProgram } from '../../../scripts/bundle-program.ts'
import { bundledPackages } from '../../../scripts/bundled-packages.ts'
import { softwareBill } from '../../../scripts/software-bill.ts'
import { thirdPartyNotices } from '../../../scripts/third-party-notices.ts'

// What the image carries, without an image: the bundle, the bill of what is in it, and the licenses.

const identity = { version: '9.8.7-test', revision: 'abc' } as const
const lockText = readFileSync('package-lock.json', 'utf8')
const lock = JSON.parse(lockText) as { readonly packages: Readonly<Record<string, LockedPackage>> }

interface LockedPackage {
  readonly version?: string
  readonly license?: string
  readonly dev?: boolean
  readonly integrity?: string
}

interface Bill {
  readonly metadata: { readonly component: Readonly<Record<string, unknown>> }
  readonly components: readonly {
    readonly 'bom-ref': string
    readonly name: string
    readonly version: string
    readonly purl: string
    readonly licenses: readonly { readonly license?: { readonly id: string }; readonly expression?: string }[]
    readonly hashes: readonly { readonly alg: string; readonly content: string }[]
  }[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}

interface Built {
  readonly files: Readonly<Record<string, string>>
  /** Directories of the packages in it, told apart from what the scripts make of them. */
  readonly directories: readonly string[]
  readonly bill: string
  readonly notices: string
}

async function built(outdir: string): Promise<Built> {
  const { metafile, outputFiles } = await bundleProgram(identity, outdir)
  const packages = await bundledPackages(metafile)
  const names = Object.keys(lock.packages).filter((name) => name !== '')
  const used = Object.values(metafile.outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([file, { bytesInOutput }]) => bytesInOutput > 0 && file.includes('node_modules/'))
    .map(([file]) => file.slice(file.indexOf('node_modules/')))
    .map((file) => names.findLast((name) => file.startsWith(`${name}/`)))
  return {
    files: Object.fromEntries(outputFiles.map(({ path, text }) => [basename(path), text])),
    directories: [...new Set(used)].filter((directory) => directory !== undefined),
    bill: softwareBill({ identity, metafile, packages, lock: lockText }),
    notices: thirdPartyNotices(packages),
  }
}

let first: Built
let bill: Bill
beforeAll(async () => {
  first = await built('dist/one')
  bill = JSON.parse(first.bill) as Bill
})

it('is the same, byte for byte, when it is built again', async () => {
  const second = await built('dist/another')
  expect(Object.keys(second.files)).toEqual(Object.keys(first.files))
  expect(Object.values(second.files).join('').length).toBeGreaterThan(1_000_000)
  for (const [name, text] of Object.entries(first.files)) expect(second.files[name] === text, name).toBe(true)
  expect(second.bill).toBe(first.bill)
  expect(second.notices).toBe(first.notices)
})

describe('the software bill of materials', () => {
  it('names every package in the bundle with its version, license and checksum, and no other', () => {
    expect(first.directories.length).toBeGreaterThan(20)
    const wanted = first.directories.map((directory) => {
      const { version, license = '', integrity = '' } = lock.packages[directory] ?? {}
      const name = directory.replace(/^.*node_modules\//, '')
      const sha512 = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex')
      return [name, version, license, sha512]
    })
    const named = bill.components.map(({ name, version, licenses: [license], hashes: [hash] }) => [
      name,
      version,
      license?.license?.id ?? license?.expression,
      hash?.content,
    ])
    expect(new Set(named.map(String))).toEqual(new Set(wanted.map(String)))
    expect(bill.components.every(({ hashes: [hash] }) => hash?.alg === 'SHA-512' && hash.content.length === 128)).toBe(
      true,
    )
  })

  it('holds nothing that only development needs, and everything that we depend on', () => {
    expect(first.directories.filter((directory) => lock.packages[directory]?.dev === true)).toEqual([])
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      readonly dependencies: Readonly<Record<string, string>>
    }
    const purls = bill.components.map(({ purl }) => purl)
    expect(purls).toEqual(
      expect.arrayContaining(
        Object.entries(dependencies).map(([name, version]) => `pkg:npm/${name.replace('@', '%40')}@${version}`),
      ),
    )
  })

  it('says which package uses which, and leaves none without a user', () => {
    const references = bill.components.map((component) => component['bom-ref'])
    const root = String(bill.metadata.component['bom-ref'])
    expect(new Set(references).size).toBe(references.length)
    expect(new Set(bill.dependencies.map(({ ref }) => ref))).toEqual(new Set([root, ...references]))
    const used = new Set(bill.dependencies.flatMap(({ dependsOn }) => dependsOn))
    expect(references.filter((reference) => !used.has(reference))).toEqual([])
    expect([...used].filter((reference) => !references.includes(reference))).toEqual([])
  })

  it('says what it is the bill of', () => {
    expect(bill).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1 })
    expect(bill.metadata.component).toMatchObject({ name: 'oauth-credential-operator', version: identity.version })
  })
})

it('brings the notice of every package, with a text of its license', () => {
  const sections = first.notices.split(`\n\n${'-'.repeat(80)}\n\n`).slice(1)
  for (const { name, version } of bill.components) {
    const section = sections.find((text) => text.split('\n').some((line) => line.startsWith(`${name} ${version} (`)))
    expect(section?.length, name).toBeGreaterThan(100)
  }
})
