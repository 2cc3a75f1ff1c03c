import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { partOfUndici } from '../../scripts/part-of-undici.ts'

export interface Bundle {
  /** The program as it is shipped. */
  readonly main: string
  /** The same controller with the failpoints of these tests around its ports. */
  readonly withFailpoints: string
  remove(): void
}

/** Bundles both programs, because a process that is killed every second has to start fast. */
export async function bundlePrograms(): Promise<Bundle> {
  const directory = mkdtempSync(join(tmpdir(), 'oauth-operator-faults-'))
  await build({
    entryPoints: { main: 'src/main/main.ts', 'with-failpoints': 'test/faults/controller-with-failpoints.ts' },
    outdir: directory,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    legalComments: 'none',
    plugins: [partOfUndici],
    define: {
      'process.env.OAUTH_OPERATOR_VERSION': '"0.0.0-faults"',
      'process.env.OAUTH_OPERATOR_REVISION': '"faults"',
    },
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'error',
  })
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ type: 'module' }))
  return {
    main: join(directory, 'main.js'),
    withFailpoints: join(directory, 'with-failpoints.js'),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}
