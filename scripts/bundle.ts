import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { builtinsByRequire } from './builtins-by-require.ts'
import { partOfUndici } from './part-of-undici.ts'
import { thirdPartyNotices } from './third-party-notices.ts'

/**
 * Bundles the program into dist/bundle, or into the directory that is named: what the image carries. The
 * AWS SDK and the kubeconfig parser stay chunks of their own, so that they are loaded only where they are used.
 * OAUTH_OPERATOR_VERSION and OAUTH_OPERATOR_REVISION say what is built, for --version and the build's metric; by
 * default that is package.json's version, from source.
 */
const [outdir = 'dist/bundle'] = process.argv.slice(2)
const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string }
// Not `??`: an image is built with empty arguments when nobody says what it is.
const identity = {
  OAUTH_OPERATOR_VERSION: process.env['OAUTH_OPERATOR_VERSION'] || version,
  OAUTH_OPERATOR_REVISION: process.env['OAUTH_OPERATOR_REVISION'] || 'source',
}

await rm(outdir, { recursive: true, force: true })
const { metafile } = await build({
  entryPoints: ['src/main/main.ts'],
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: false,
  metafile: true,
  legalComments: 'linked',
  plugins: [partOfUndici, builtinsByRequire],
  define: Object.fromEntries(
    Object.entries(identity).map(([name, value]) => [`process.env.${name}`, JSON.stringify(value)]),
  ),
  // Some dependencies are CommonJS and call require() for Node's own modules.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
})
await writeFile(join(outdir, 'THIRD-PARTY-NOTICES.txt'), await thirdPartyNotices(metafile))
// An image carries the bundle alone: without this, Node has to try whether it is made of modules.
await writeFile(join(outdir, 'package.json'), `${JSON.stringify({ type: 'module' })}\n`)
