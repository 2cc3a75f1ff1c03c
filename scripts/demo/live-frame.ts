import { relative } from 'node:path'
import { fromNow } from '../../src/cli/status-command.ts'
import type { EpochSeconds } from '../../src/domain/time.ts'
import type { CredentialView } from './credential-view.ts'
import { wrapped } from './wrap.ts'

export interface FrameContent {
  readonly views: readonly CredentialView[]
  /** What files are shown relative to. */
  readonly targets: string
  /** One line that says how far the demo is. */
  readonly progress: string
  /** Lines of what happened, oldest first. */
  readonly events: readonly string[]
}

export interface FrameSize {
  readonly columns: number
  readonly rows: number
}

const header = ['CREDENTIAL', 'READY', 'EXPIRES IN', 'REFRESHES', 'NEXT REFRESH', 'FILE']
const gap = '  '
/** Under a line of an event that goes on. */
const indent = ' '.repeat(11)

/** The lines of the live table and the latest events, none wider than the terminal, and fewer than its rows. */
export function liveFrame(content: FrameContent, size: FrameSize, now: EpochSeconds): readonly string[] {
  // A full last column makes some terminals wrap.
  const width = size.columns - 1
  const rows = content.views.map((view) => cellsOf(view, content.targets, now))
  const top = [cutRight(content.progress, width), '', ...tableLines([header, ...rows], width), '']
  const room = Math.max(0, size.rows - 1 - top.length)
  return [...top, ...latest(content.events, room, width)].slice(0, size.rows - 1)
}

/** As many whole events as there is room for. */
function latest(events: readonly string[], room: number, width: number): readonly string[] {
  let shown: readonly string[] = []
  for (const event of events.toReversed()) {
    const lines = [...wrapped(event, width, indent), ...shown]
    if (lines.length > room) break
    shown = lines
  }
  return shown
}

function cellsOf(view: CredentialView, targets: string, now: EpochSeconds): readonly string[] {
  const { name, ready, expiresAt, refreshes, nextRefreshAt, file } = view
  const expiry = fromNow(expiresAt, now).replace(/^in /, '')
  const next = nextRefreshAt !== undefined && nextRefreshAt < now ? 'now' : fromNow(nextRefreshAt, now)
  return [name, ready, expiry, String(refreshes), next, relative(targets, file)]
}

function tableLines(table: readonly (readonly string[])[], width: number): readonly string[] {
  const widths = header.map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length)))
  const used = widths.slice(0, -1).reduce((sum, cells) => sum + cells + gap.length, 0)
  return table.map((row) => {
    const cells = row.slice(0, -1).map((cell, column) => cell.padEnd(widths[column] ?? 0))
    return cutRight([...cells, cutLeft(row.at(-1) ?? '', Math.max(8, width - used))].join(gap), width)
  })
}

/** Of a path, the end says more. */
function cutLeft(text: string, width: number): string {
  return text.length <= width ? text : `…${text.slice(text.length - width + 1)}`
}

function cutRight(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
}
