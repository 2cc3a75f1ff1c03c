import { readFile } from 'node:fs/promises'
import { build, type BuildResult } from 'esbuild'
import { builtinsByRequire } from './builtins-by-require.ts'
import { partOfUndici } from './part-of-undici.ts'

/** What a build says that it is. */
export interface BuildIdentity {
  readonly version: string
  readonly revision: string
}

/** What OAUTH_OPERATOR_VERSION and OAUTH_OPERATOR_REVISION say; by default package.json's version, from source. */
export async function buildIdentity(): Promise<BuildIdentity> {
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { readonly version: string }
  // Not `??`: an image is built with empty arguments when nobody says what it is.
  return {
    version: process.env['OAUTH_OPERATOR_VERSION'] || version,
    revision: process.env['OAUTH_OPERATOR_REVISION'] || 'source',
  }
}

/**
 * Bundles the program. The AWS SDK and the kubeconfig parser stay chunks of their own, so that they are loaded only
 * where they are used. The same sources, dependencies and identity give the same bytes, wherever they lie.
 * @returns the files, which nobody has written yet.
 */
export function bundleProgram(
  { version, revision }: BuildIdentity,
  outdir: string,
): Promise<BuildResult<{ readonly metafile: true; readonly write: false }>> {
  return build({
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
    write: false,
    legalComments: 'linked',
    plugins: [partOfUndici, builtinsByRequire],
    define: {
      'process.env.OAUTH_OPERATOR_VERSION': JSON.stringify(version),
      'process.env.OAUTH_OPERATOR_REVISION': JSON.stringify(revision),
    },
    // Some dependencies are CommonJS and call require() for Node's own modules.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  })
}
