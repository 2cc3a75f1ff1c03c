import type { Metafile } from 'esbuild'
import type { BuildIdentity } from './bundle-program.ts'
import { type BundledPackage, packageDirectory } from './bundled-packages.ts'

export interface BillInput {
  readonly identity: BuildIdentity
  readonly metafile: Metafile
  readonly packages: readonly BundledPackage[]
  /** Text of package-lock.json, which knows the checksum of every package. */
  readonly lock: string
}

const product = 'oauth-credential-operator'

/**
 * The software bill of materials of a bundle, as CycloneDX 1.6 in JSON: every package of which a byte is in it, with
 * version, license, package URL and the checksum of its archive, and which of them use which. It holds neither a time
 * nor a random serial number, both of which are optional, so that the same bundle has the same bill.
 * @see https://cyclonedx.org/docs/1.6/json/
 */
export function softwareBill({ identity, metafile, packages, lock }: BillInput): string {
  const references = new Map(packages.map((bundled) => [bundled.directory, packageUrl(bundled)]))
  const root = `${product}@${identity.version}`
  const checksums = checksumsOf(lock)
  const components = new Map(
    packages.map((bundled) => [packageUrl(bundled), component(bundled, checksums.get(lockName(bundled)))]),
  )
  const bill = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        'bom-ref': root,
        type: 'application',
        name: product,
        version: identity.version,
        licenses: [{ license: { id: 'Apache-2.0' } }],
        properties: [{ name: 'org.opencontainers.image.revision', value: identity.revision }],
      },
    },
    components: [...components.values()],
    dependencies: [...usesOf(metafile, references, root)].map(([ref, used]) => ({
      ref,
      dependsOn: [...used].toSorted(),
    })),
  }
  return `${JSON.stringify(bill, null, 2)}\n`
}

/** @see https://github.com/package-url/purl-spec, type npm */
function packageUrl({ name, version }: BundledPackage): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`
}

function component(bundled: BundledPackage, checksum: string | undefined): object {
  const { name, version, license } = bundled
  return {
    'bom-ref': packageUrl(bundled),
    type: 'library',
    name,
    version,
    licenses: [/[ (]/.test(license) ? { expression: license } : { license: { id: license } }],
    purl: packageUrl(bundled),
    ...(checksum !== undefined && { hashes: [{ alg: 'SHA-512', content: checksum }] }),
  }
}

/** How the lock file calls a directory: from `node_modules` on, wherever a link there leads to. */
function lockName({ directory }: BundledPackage): string {
  return directory.slice(directory.indexOf('node_modules/'))
}

/** Of every package of the lock file, by its directory, in hexadecimal. */
function checksumsOf(lock: string): ReadonlyMap<string, string> {
  const { packages } = JSON.parse(lock) as { readonly packages: Readonly<Record<string, { integrity?: string }>> }
  return new Map(
    Object.entries(packages).flatMap(([directory, { integrity }]) => {
      const [, base64] = /^sha512-(\S+)$/.exec(integrity ?? '') ?? []
      return base64 === undefined ? [] : [[directory, Buffer.from(base64, 'base64').toString('hex')] as const]
    }),
  )
}

/** Which package's files import which package's, as the bundler found it. What is in no package is the program's. */
function usesOf(
  metafile: Metafile,
  references: ReadonlyMap<string, string>,
  root: string,
): ReadonlyMap<string, ReadonlySet<string>> {
  const ownerOf = (file: string): string | undefined => {
    const directory = packageDirectory(file)
    return directory === undefined ? root : references.get(directory)
  }
  const uses = new Map([root, ...references.values()].map((reference) => [reference, new Set<string>()]))
  for (const [file, { imports }] of Object.entries(metafile.inputs)) {
    const from = ownerOf(file)
    const used = imports.map(({ path }) => ownerOf(path)).filter((to) => to !== undefined)
    for (const to of used) if (to !== root && to !== from) uses.get(from ?? '')?.add(to)
  }
  return uses
}
