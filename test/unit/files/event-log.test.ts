import { expect, it } from 'vitest'
import { LogEventRecorder } from '../../../src/adapters/files/event-log.ts'
import type { LogFields } from '../../../src/ports/logger.ts'

it('writes an event as one log line, a warning as a warning', () => {
  const lines: (readonly [string, LogFields, string])[] = []
  const level = (name: string) => (fields: LogFields, message: string) => void lines.push([name, fields, message])
  const recorder = new LogEventRecorder({
    debug: level('debug'),
    info: level('info'),
    warn: level('warn'),
    error: level('error'),
  })
  const subject = { key: { namespace: 'ci', name: 'claude' }, uid: 'ci.claude' }
  recorder.record({ ...subject, severity: 'Normal', reason: 'Recovered', message: 'It works again.' })
  recorder.record({ ...subject, severity: 'Warning', reason: 'Stalled', message: 'A human must act.' })
  const fields = { credential: 'ci/claude', uid: 'ci.claude' }
  expect(lines).toEqual([
    ['info', { ...fields, event: 'Recovered' }, 'It works again.'],
    ['warn', { ...fields, event: 'Stalled' }, 'A human must act.'],
  ])
})
