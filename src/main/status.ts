import { readStatusFile } from '../adapters/files/status-file.ts'
import { SystemClock } from '../adapters/system/system-clock.ts'
import { decodeState, decodeTime } from '../api/decode.ts'
import { type CredentialStatus, type StatusFlags, statusTable } from '../cli/status-command.ts'
import { present } from '../domain/present.ts'
import { standaloneFiles } from './standalone-files.ts'

/** Prints the statuses that standalone mode last wrote. Exit code 1 when there are none. */
export async function status(flags: StatusFlags): Promise<void> {
  const file = standaloneFiles(flags.output, flags.state).status
  const entries = await readStatusFile(file)
  if (entries.length === 0) {
    const remedy = 'Name the --output directory of standalone, which writes them while it runs.'
    process.stderr.write(`There are no statuses in ${file}. ${remedy}\n`)
    process.exitCode = 1
    return
  }
  if (flags.format === 'json') {
    process.stdout.write(`${JSON.stringify(entries, null, 2)}\n`)
    return
  }
  const credentials = entries.map(({ namespace, name, status: reported }): CredentialStatus =>
    present({
      key: { namespace, name },
      state: decodeState(reported),
      nextRefreshAt: decodeTime(reported['nextRefreshTime']),
    }),
  )
  process.stdout.write(`${statusTable(credentials, new SystemClock().now())}\n`)
}
