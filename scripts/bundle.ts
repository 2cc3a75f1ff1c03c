import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildIdentity, bundleProgram } from './bundle-program.ts'
import { bundledPackages } from './bundled-packages.ts'
import { softwareBill } from './software-bill.ts'
import { thirdPartyNotices } from './third-party-notices.ts'

/**
 * Bundles the program into dist/bundle, or into the directory that is named: what the image carries.
 * OAUTH_OPERATOR_VERSION and OAUTH_OPERATOR_REVISION say what is built, for --version and the build's metric; by
 * default that is package.json's version, from source.
 */
const [outdir = 'dist/bundle'] = process.argv.slice(2)
const identity = await buildIdentity()
const { metafile, outputFiles } = await bundleProgram(identity, outdir)
const packages = await bundledPackages(metafile)
const lock = await readFile('package-lock.json', 'utf8')
await rm(outdir, { recursive: true, force: true })
await mkdir(outdir, { recursive: true })
await Promise.all(outputFiles.map(({ path, contents }) => writeFile(path, contents)))
await writeFile(join(outdir, 'THIRD-PARTY-NOTICES.txt'), thirdPartyNotices(packages))
await writeFile(join(outdir, 'sbom.cdx.json'), softwareBill({ identity, metafile, packages, lock }))
// An image carries the bundle alone: without this, Node has to try whether it is made of modules.
await writeFile(join(outdir, 'package.json'), `${JSON.stringify({ type: 'module' })}\n`)
