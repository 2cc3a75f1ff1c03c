import { type CredentialView, now, readViews } from './credential-view.ts'
import { type DemoEvent, eventLine } from './event-line.ts'
import { type FrameSize, liveFrame } from './live-frame.ts'
import { TerminalScreen } from './terminal-screen.ts'
import type { Workspace } from './workspace.ts'

/** How a person watches the demo. */
export interface Display {
  event(event: DemoEvent): void
  /** Ends what moves; text can be printed below afterwards. */
  end(): void
}

export interface DisplayOptions {
  readonly workspace: Workspace
  /** One line that says how far the demo is. */
  readonly progress: () => string
  /** Hears every line of an event that is shown. */
  readonly printed: (line: string) => void
  /** Lines printed before, which should stay in sight. */
  readonly above: readonly string[]
}

/** Often enough for seconds that count down evenly. */
const frameMs = 250
const rememberedEvents = 20
const fewestRows = 14

/** A live table on a terminal, one line per event everywhere else. */
export function openDisplay(options: DisplayOptions): Display {
  return process.stdout.isTTY ? liveTable(options, process.stdout) : eventLines(options)
}

function eventLines({ workspace, printed }: DisplayOptions): Display {
  const width = subjectWidth(workspace)
  return {
    event: (event) => {
      const text = event.file === undefined ? event.text : `${event.text}, ${event.file}`
      const line = eventLine({ ...event, text }, width)
      printed(line)
      process.stdout.write(`${line}\n`)
    },
    end: () => undefined,
  }
}

function liveTable(options: DisplayOptions, terminal: NodeJS.WriteStream): Display {
  const { workspace, progress, printed, above } = options
  const screen = new TerminalScreen(terminal)
  const width = subjectWidth(workspace)
  const events: string[] = []
  let views: readonly CredentialView[] = []
  let ended = false
  const draw = (): void => {
    if (ended) return
    const content = { views, targets: workspace.targets, progress: progress(), events }
    const { columns, rows } = terminal
    screen.draw(liveFrame(content, { columns, rows: rowsBelow(above, { columns, rows }) }, now()))
  }
  const look = async (): Promise<void> => {
    views = await readViews(workspace)
    draw()
  }
  const timer = setInterval(() => void look(), frameMs)
  const restore = (): void => screen.end()
  process.on('exit', restore)
  return {
    event: (event) => {
      const line = eventLine(event, width)
      printed(line)
      events.push(line)
      events.splice(0, events.length - rememberedEvents)
      draw()
    },
    end: () => {
      clearInterval(timer)
      draw()
      ended = true
      process.off('exit', restore)
      restore()
    },
  }
}

function rowsBelow(above: readonly string[], { columns, rows }: FrameSize): number {
  const taken = above.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0)
  return Math.min(rows, Math.max(fewestRows, rows - taken))
}

function subjectWidth({ credentials }: Workspace): number {
  return Math.max(...credentials.map(({ name }) => name.length), 'operator'.length)
}
