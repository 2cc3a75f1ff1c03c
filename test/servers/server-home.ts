import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, realpathSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// Reads `watch PGID` and `forget PGID` lines. Its input ends when our process does, by whatever way: exit, signal,
// kill -9 or crash. Then no server survives and no folder stays, which an exit handler could not promise.
const guardScript = `
groups=' '
while read -r verb group; do
  case $verb in
    watch) groups="$groups$group " ;;
    forget) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
rm -rf -- "$1" || { sleep 1; rm -rf -- "$1"; }
`

/**
 * A temporary folder together with the process groups that use it.
 * Guarantees: after `remove()`, and after the end of this process whatever its cause, the groups are killed and the
 * folder is gone.
 */
export class ServerHome {
  readonly directory: string
  readonly #guard: ChildProcess
  readonly #input: Socket

  /** @param name becomes part of the folder's name. */
  constructor(name: string) {
    // The real path, because Vault refuses a plugin directory behind a symbolic link (as macOS's temporary folder is).
    this.directory = realpathSync(mkdtempSync(join(tmpdir(), `oauth-credential-operator-${name}-`)))
    // A session of its own, so that Ctrl-C does not reach the guard before its work.
    this.#guard = spawn('/bin/sh', ['-c', guardScript, 'guard', this.directory], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    this.#input = this.#guard.stdin as Socket // which a pipe to a child is, though the types do not say so
    this.#input.on('error', () => undefined) // the guard is gone: `remove` finds out
    // Neither must keep a script alive that forgot to stop.
    this.#guard.unref()
    this.#input.unref()
  }

  path(...names: string[]): string {
    return join(this.directory, ...names)
  }

  watch(group: number): void {
    this.#input.write(`watch ${group}\n`)
  }

  /** A group that has ended must be forgotten: its number may be given to a stranger. */
  forget(group: number): void {
    if (this.#input.writable) this.#input.write(`forget ${group}\n`)
  }

  /** Kills what is still watched and removes the folder. Safe to call twice. */
  async remove(): Promise<void> {
    if (this.#guard.exitCode !== null || this.#guard.signalCode !== null) return
    this.#guard.ref()
    const ended = new Promise((resolve) => this.#guard.once('exit', resolve))
    this.#input.end()
    await ended
  }
}
