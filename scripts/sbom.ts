import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { buildIdentity, bundleProgram } from './bundle-program.ts'
import { bundledPackages } from './bundled-packages.ts'
import { softwareBill } from './software-bill.ts'

/**
 * `npm run sbom [-- FILE]` writes the bill of what a bundle of this checkout contains: the file that the image carries
 * as /app/sbom.cdx.json. What is built is named as it is for bundle.ts.
 */
const [file = 'dist/sbom.cdx.json'] = process.argv.slice(2)
const identity = await buildIdentity()
const { metafile } = await bundleProgram(identity, 'dist/bundle')
const packages = await bundledPackages(metafile)
const lock = await readFile('package-lock.json', 'utf8')
await mkdir(dirname(file), { recursive: true })
await writeFile(file, softwareBill({ identity, metafile, packages, lock }))
console.log(`${file}: ${packages.length} packages in the bundle of version ${identity.version}`)
