import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { firstBlockBelow } from '../support/readme.ts'
import { ServerHome } from '../servers/server-home.ts'
import { Journey, walk } from './journey.ts'
import { WatchedShell } from './watched-shell.ts'

// `npm run newcomer:standalone`: from `git clone` to an access token that has been replaced, with the command of
// README as it stands there. It clones what is committed. Nothing of it depends on how fast the machine is.

const checkout = fileURLToPath(new URL('../..', import.meta.url))
const minute = 60_000

/** The file of an access token, in the line that the demo prints about a refresh. */
const refreshed = /refreshed #1, refresh token rotated, next refresh in [^,]+, (\/.*)$/m

async function path(): Promise<void> {
  const home = new ServerHome('newcomer')
  try {
    await fromCloneToReplacedToken(home)
  } finally {
    await home.remove()
  }
}

async function fromCloneToReplacedToken(home: ServerHome): Promise<void> {
  const command = firstBlockBelow('Two commands')
  const journey = new Journey(`From an empty folder to a rotating token: git clone, then ${command.trim()}`)
  const directory = home.path('oauth-credential-operator')
  await journey.step({
    name: 'git clone',
    remedy: 'install git, and run this in a checkout that `git -C . status` takes for one.',
    work: async () => {
      const clone = new WatchedShell(
        `git clone --quiet '${checkout}' '${directory}' && echo cloned`,
        home.directory,
        home,
      )
      await clone.until(/^cloned$/m, 5 * minute)
    },
  })
  const shell = new WatchedShell(command, directory, home)
  await journey.step({
    name: 'npm ci',
    remedy: 'it takes Node 20 or newer (`node --version`) and a registry that answers (`npm ping`).',
    // What npm says of the script that it runs, unless it is told to be silent; else what the demo says first.
    work: () => shell.until(/^> .*demo\.ts|^Authorization server /m, 15 * minute),
  })
  await journey.step({
    name: 'npm run demo: it says what runs and where everything is',
    remedy: 'run `npm run demo` in this checkout; its first lines say what is missing.',
    work: () => shell.until(/^Access tokens +\S/m, 2 * minute),
  })
  const file = await journey.step({
    name: 'the first access token is in its file',
    remedy: 'run `npm run demo` in this checkout, and look a failure of its log up in docs/errors.md.',
    work: () => firstToken(shell),
  })
  await journey.step({
    name: 'a newer one has replaced it',
    remedy: 'run `npm run demo` in this checkout, and look a failure of its log up in docs/errors.md.',
    work: () => shell.holds(() => (contentOf(file.path) === file.token ? undefined : true), 3 * minute),
  })
  await journey.step({
    name: 'Ctrl-C: it ends, and has checked all that it showed',
    remedy: 'run `npm run demo -- --for 30s` in this checkout; its last line says what is not as shown.',
    work: () => endOf(shell),
  })
  journey.end('from git clone to a token that rotates')
}

async function firstToken(shell: WatchedShell): Promise<{ readonly path: string; readonly token: string }> {
  const [, file = ''] = await shell.until(refreshed, 2 * minute)
  const token = contentOf(file)
  if (token === '') throw new Error(`${file} is empty`)
  return { path: file, token }
}

async function endOf(shell: WatchedShell): Promise<void> {
  const code = await shell.interrupt(minute)
  await shell.until(/^Demo OK: .*$/m, 0)
  if (code !== 0) throw new Error(`it ended with exit code ${code}`)
}

/** Empty for the moment in which there is none. */
function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

await walk(path)
