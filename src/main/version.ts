import { readFileSync } from 'node:fs'

/** Version and commit of this build. A bundle carries them; from source they come from package.json. */
export const build = {
  version: process.env['OAUTH_OPERATOR_VERSION'] ?? packageVersion(),
  revision: process.env['OAUTH_OPERATOR_REVISION'] ?? 'source',
} as const

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}
