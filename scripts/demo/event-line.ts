import { fromNow } from '../../src/cli/status-command.ts'
import { timeText } from '../../src/domain/time-text.ts'
import type { EpochSeconds } from '../../src/domain/time.ts'
import type { CredentialView } from './credential-view.ts'
import type { LogLine } from './log-line.ts'

/** One thing that happened. */
export interface DemoEvent {
  readonly at: EpochSeconds
  /** A credential, or the program that speaks. */
  readonly subject: string
  readonly text: string
  /** What it wrote, for where no table shows it. */
  readonly file?: string
}

/** A line of the log in words. `view` is the credential it speaks of, as reported after it. */
export function eventText(line: LogLine, view: CredentialView | undefined, at: EpochSeconds): string {
  if (line.refreshes !== undefined) return refreshText(line.refreshes, line, fromNow(view?.nextRefreshAt, at))
  const about = [line.level === 'info' ? '' : line.level, line.event ?? line.code ?? ''].filter((word) => word !== '')
  return about.length === 0 ? line.msg : `${about.join(' ')}: ${line.msg}`
}

function refreshText(count: number, { rotated }: LogLine, next: string): string {
  const rotation = rotated === true ? 'refresh token rotated' : 'refresh token not rotated'
  return `refreshed #${count}, ${rotation}, next refresh ${next}`
}

/** Time of day in UTC, as in the messages; subject; text. */
export function eventLine({ at, subject, text }: DemoEvent, subjectWidth: number): string {
  return `${timeText(at).slice(11)}  ${subject.padEnd(subjectWidth)}  ${text}`
}
