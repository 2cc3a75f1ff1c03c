import type { Plugin } from 'esbuild'

/** What our code uses of undici, beside the methods that its entry point gives to every dispatcher. */
const parts: Readonly<Record<string, string>> = {
  Agent: 'undici/lib/dispatcher/agent.js',
  Pool: 'undici/lib/dispatcher/pool.js',
  buildConnector: 'undici/lib/core/connect.js',
}

const contents = [
  "import Dispatcher from 'undici/lib/dispatcher/dispatcher.js'",
  "import api from 'undici/lib/api/index.js'",
  'Object.assign(Dispatcher.prototype, api)',
  ...Object.entries(parts).map(([name, path]) => `export { default as ${name} } from '${path}'`),
].join('\n')

/**
 * Bundles, of undici, only what our own code imports: the rest (fetch, WebSockets, mocks, caches) makes
 * every process 4 MiB larger. A further import fails the build until it is listed above; what packages
 * import stays whole.
 */
export const partOfUndici: Plugin = {
  name: 'part-of-undici',
  setup(build) {
    build.onResolve({ filter: /^undici$/ }, ({ importer }) =>
      /[/\\]src[/\\][^]*\.ts$/.test(importer) ? { path: 'undici', namespace: 'part-of' } : undefined,
    )
    build.onLoad({ filter: /^undici$/, namespace: 'part-of' }, () => ({ contents, resolveDir: process.cwd() }))
  },
}
