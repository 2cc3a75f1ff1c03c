import { describe, expect, it } from 'vitest'
import type { CredentialView } from '../../../scripts/demo/credential-view.ts'
import { liveFrame } from '../../../scripts/demo/live-frame.ts'
import { wrapped } from '../../../scripts/demo/wrap.ts'
import { inSeconds, noon } from '../../support/builders.ts'

const agent: CredentialView = {
  name: 'agent',
  ready: 'True',
  expiresAt: inSeconds(14.4),
  refreshes: 3,
  nextRefreshAt: inSeconds(5),
  file: '/out/default/agent-token/.credentials.json',
}
const app: CredentialView = {
  name: 'app',
  ready: 'False',
  expiresAt: inSeconds(-3),
  refreshes: 12,
  nextRefreshAt: undefined,
  file: '/out/default/app-token/access_token',
}
const content = { views: [agent, app], targets: '/out/default', progress: '9 s of 60 s', events: ['one', 'two'] }

describe('the live table', () => {
  it('shows each credential in a line', () => {
    expect(liveFrame(content, { columns: 100, rows: 30 }, noon)).toEqual([
      '9 s of 60 s',
      '',
      'CREDENTIAL  READY  EXPIRES IN  REFRESHES  NEXT REFRESH  FILE',
      'agent       True   14s         3          in 5s         agent-token/.credentials.json',
      'app         False  3s ago      12         -             app-token/access_token',
      '',
      'one',
      'two',
    ])
  })

  it('shows the end of a path on a terminal of 80 columns', () => {
    const [, , , line = ''] = liveFrame(content, { columns: 80, rows: 24 }, noon)
    expect(line).toBe('agent       True   14s         3          in 5s         …oken/.credentials.json')
  })

  it('says that a refresh whose time has come is due now', () => {
    const views = [{ ...agent, nextRefreshAt: inSeconds(-0.2) }]
    expect(liveFrame({ ...content, views }, { columns: 100, rows: 30 }, noon)[3]).toContain('  now  ')
  })

  it('shows the latest events that fit, whole', () => {
    const events = ['first event', `second ${'word '.repeat(20)}`, 'third event']
    const frame = liveFrame({ ...content, events }, { columns: 80, rows: 9 }, noon)
    expect(frame.slice(6)).toEqual(['third event'])
    const higher = liveFrame({ ...content, events }, { columns: 80, rows: 10 }, noon)
    expect(higher.slice(6).map((line) => line.trim().split(' ')[0])).toEqual(['second', 'word', 'third'])
  })

  it.each([
    { columns: 20, rows: 5 },
    { columns: 40, rows: 8 },
    { columns: 80, rows: 24 },
    { columns: 200, rows: 50 },
  ])('fits into $columns x $rows', (size) => {
    const events = Array.from({ length: 30 }, (_, index) => `event ${index} ${'word '.repeat(index)}`)
    const frame = liveFrame({ ...content, events }, size, noon)
    expect(frame.length).toBeLessThan(size.rows)
    for (const line of frame) expect(line.length).toBeLessThan(size.columns)
  })
})

describe('a line that is too long', () => {
  it.each([
    ['short', ['short']],
    ['breaks between words', ['breaks', '  between', '  words']],
    ['andinsidewordsthatarelonger', ['andinsidew', '  ordsthat', '  arelonge', '  r']],
  ])('%s', (line, parts) => {
    expect(wrapped(line, 10, '  ')).toEqual(parts)
  })
})
