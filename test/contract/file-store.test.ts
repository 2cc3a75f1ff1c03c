import { mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FileRefreshTokenStore } from '../../src/adapters/files/file-store.ts'
import { type FileSteps, fileSteps } from '../../src/adapters/files/file-steps.ts'
import { errnoError } from '../unit/files/mortal.ts'
import { fileLocation, noMeasures } from '../unit/files/file-location.ts'
import { temporaryDirectory } from '../unit/files/temporary-directory.ts'
import { refreshTokenStoreContract, type StoreHarness } from './refresh-token-store.ts'

refreshTokenStoreContract('a directory of files', makeHarness)

async function makeHarness(): Promise<StoreHarness> {
  const root = await temporaryDirectory()
  const directory = join(root, 'store')
  await mkdir(join(directory, 'teams'), { recursive: true })
  let versions = 0
  let afterNextMove: () => Promise<void> = () => Promise.resolve()
  const steps: FileSteps = {
    ...fileSteps,
    move: async (from, to) => {
      await fileSteps.move(from, to)
      versions += 1
    },
    // Runs after the new content is in place: an error here leaves the writer in the dark.
    sync: async (path) => {
      const hook = afterNextMove
      afterNextMove = () => Promise.resolve()
      await hook()
      await fileSteps.sync(path)
    },
  }
  const away = async (): Promise<void> => rename(directory, `${directory}-away`)
  return {
    hasNoRoom: true,
    store: new FileRefreshTokenStore({ baseDirectory: root, ...noMeasures, steps }),
    location: (key, property) => fileLocation({ directory: 'store', key: `teams/${key}.json`, property }),
    put: async (key, text) => {
      versions += 1
      await writeFile(join(directory, 'teams', `${key}.json`), text, { mode: 0o600 })
    },
    get: (key) => readFile(join(directory, 'teams', `${key}.json`), 'utf8'),
    versions: () => Promise.resolve(versions),
    // What root may do too: the files are put behind a link that leads out.
    forbid: async () => {
      await rename(join(directory, 'teams'), join(root, 'elsewhere'))
      await symlink('../elsewhere', join(directory, 'teams'))
    },
    takeDown: away,
    loseNextWriteAnswer: () => {
      afterNextMove = () => Promise.reject(errnoError('EIO'))
      return Promise.resolve()
    },
    takeDownAfterNextWrite: () => {
      afterNextMove = away
      return Promise.resolve()
    },
    bringUp: () => rename(`${directory}-away`, directory),
  }
}
