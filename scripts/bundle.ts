import { readFile, rm } from 'node:fs/promises'
import { build } from 'esbuild'

/**
 * Bundles the program into dist/bundle: what the image carries. The AWS SDK and the kubeconfig parser
 * stay chunks of their own, so that they are loaded only where they are used.
 */
const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string }

await rm('dist/bundle', { recursive: true, force: true })
await build({
  entryPoints: ['src/main/main.ts'],
  outdir: 'dist/bundle',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: false,
  legalComments: 'linked',
  define: { 'process.env.OAUTH_OPERATOR_VERSION': JSON.stringify(version) },
  // Some dependencies are CommonJS and call require() for Node's own modules.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
})
