import { relative } from 'node:path'
import type { Workspace } from './workspace.ts'

export interface Introduced {
  readonly workspace: Workspace
  readonly tokenEndpoint: string
  readonly tokenLifetime: number
  /** As given to `standalone`. */
  readonly arguments: readonly string[]
}

/** Says what runs, where everything is, and what to try. */
export function introduction({ workspace, tokenEndpoint, tokenLifetime, ...run }: Introduced): readonly string[] {
  const { directory, temporary, manifests, refreshTokens, targets, credentials } = workspace
  const [first, second] = credentials
  const end = temporary ? ' (removed at the end; --output DIR keeps it)' : ''
  return [
    `Authorization server  ${tokenEndpoint}: ${tokenLifetime} s access tokens, single-use refresh tokens`,
    `Manifests             ${manifests}`,
    `Refresh tokens        ${refreshTokens}`,
    `Access tokens         ${targets}${end}`,
    '',
    'What runs, as you would type it:',
    `  node src/main/main.ts standalone ${run.arguments.map(shellWord).join(' ')}`,
    '',
    'To try in another terminal:',
    `  node src/main/main.ts status --output ${shellWord(directory)}`,
    `  rm -r ${shellWord(first === undefined ? targets : directoryOf(first.file))}`,
    '    It is back with the next refresh.',
    `  mv ${shellWord(second?.document ?? refreshTokens)} ${shellWord(`${directory}/away`)}`,
    '    The next refresh sends nothing; status says what to do. Then move it back.',
    '',
  ]
}

function directoryOf(file: string): string {
  return file.slice(0, file.lastIndexOf('/'))
}

/** Quoted where a shell would take it apart; below the current directory, as a relative path. */
function shellWord(word: string): string {
  const near = word.startsWith('/') ? relative(process.cwd(), word) : word
  const short = near === '' || near.startsWith('..') ? word : near
  return /^[\w./:=-]+$/.test(short) ? short : `'${short.replaceAll("'", String.raw`'\''`)}'`
}
