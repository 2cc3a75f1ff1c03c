import { setTimeout as sleep } from 'node:timers/promises'
import { type CredentialView, now, readViews } from './credential-view.ts'
import { type DemoEvent, eventText } from './event-line.ts'
import { type LogLine, nameOf, parseLogLine } from './log-line.ts'
import type { Workspace } from './workspace.ts'

/** The status is written right after the line. */
const statusPatienceMs = 2000
const lookEveryMs = 20

/** Makes events of the lines that standalone mode logs, in their order. */
export class EventFeed {
  readonly #workspace: Workspace
  readonly #tell: (event: DemoEvent) => void
  #told: Promise<void> = Promise.resolve()
  #last: string | undefined
  #rotations = 0

  constructor(workspace: Workspace, tell: (event: DemoEvent) => void) {
    this.#workspace = workspace
    this.#tell = tell
  }

  /** Refreshes whose rotated refresh token was put into the store at once. */
  get rotations(): number {
    return this.#rotations
  }

  take(text: string): void {
    const line = parseLogLine(text)
    if (line?.rotated === true) this.#rotations += 1
    this.#told = this.#told.then(() => this.#event(line, text))
  }

  /** Resolves when everything taken has been told. */
  async settled(): Promise<void> {
    await this.#told
  }

  async #event(line: LogLine | undefined, text: string): Promise<void> {
    const at = now()
    const subject = (line && nameOf(line)) ?? 'operator'
    // A failure is logged as the event of a condition and as itself, in the same words.
    const said = `${subject} ${line?.msg ?? text}`
    if (said === this.#last) return
    this.#last = line?.refreshes === undefined ? said : undefined
    if (line === undefined) return this.#tell({ at, subject, text })
    const view = await this.#viewAfter(line)
    this.#tell({ at, subject, text: eventText(line, view, at), ...(view !== undefined && { file: view.file }) })
  }

  async #viewAfter(line: LogLine): Promise<CredentialView | undefined> {
    const { refreshes } = line
    if (refreshes === undefined) return undefined
    const deadline = performance.now() + statusPatienceMs
    for (;;) {
      const view = (await readViews(this.#workspace)).find(({ name }) => name === nameOf(line))
      if ((view?.refreshes ?? 0) >= refreshes || performance.now() > deadline) return view
      await sleep(lookEveryMs)
    }
  }
}
