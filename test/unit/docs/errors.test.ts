import { readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { PrometheusMetrics } from '../../../src/adapters/prometheus/prometheus-metrics.ts'
import { failureRegistry } from '../../../src/domain/failure-registry.ts'
import { failureCodes } from '../../../src/domain/failures.ts'
import { epochSeconds, seconds } from '../../../src/domain/time.ts'
import { wholePage } from '../../support/page.ts'

const page = readFileSync('docs/errors.md', 'utf8')

/** The rows of the table of codes, cell by cell. */
function documentedRows(): readonly (readonly string[])[] {
  const rows = page.split('\n').filter((line) => /^\| [A-Z_]+ +\|/.test(line))
  return rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

/** The text below each heading that is a code. */
function sections(): ReadonlyMap<string, string> {
  const parts = page.split(/^(?=#{2,3} )/m)
  const coded = parts.flatMap((part) => {
    const [, code] = /^### ([A-Z_]+)\n/.exec(part) ?? []
    return code === undefined ? [] : [[code, part] as const]
  })
  return new Map(coded)
}

/** What every metric says that tells of failures. */
async function metricsOfFailures(): Promise<string> {
  const metrics = new PrometheusMetrics({
    clock: { now: () => epochSeconds(0) },
    version: '0',
    revision: '0',
    perCredential: true,
  })
  for (const code of failureCodes()) {
    metrics.refreshFailed('gateway', 'ci', code)
    metrics.tokenRequest('gateway', code, { status: 400, took: seconds(1) })
    metrics.writeBackFailed('vault', code)
  }
  metrics.tokenRequest('gateway', 'issued', { status: 200, took: seconds(1) })
  metrics.tokenRequest('gateway', 'TOKEN_RESULT_UNKNOWN', { status: undefined, took: seconds(1) })
  return wholePage(metrics.render('text'))
}

describe('docs/errors.md', () => {
  it('lists exactly the failure registry', () => {
    const registered = Object.entries(failureRegistry).map(([code, { next, reason, remedy }]) => [
      code,
      next,
      reason,
      remedy,
    ])
    expect(documentedRows(), 'the table of docs/errors.md and src/domain/failure-registry.ts differ').toEqual(
      registered,
    )
  })

  test.each(failureCodes())('has a section about %s', (code) => {
    const section = sections().get(code)
    if (section === undefined) {
      const parts = '"**What happened.**", "**The operator**" and "**You**"'
      throw new Error(`docs/errors.md lacks a section "### ${code}" with paragraphs that begin with ${parts}`)
    }
    for (const part of ['What happened\\.', 'The operator', 'You']) {
      expect(section, `"### ${code}" of docs/errors.md says more below "**${part}**"`).toMatch(
        new RegExp(`^\\*\\*${part}\\*\\* \\S.{8,}`, 'm'),
      )
    }
  })

  it('has no section about a code that is not registered', () => {
    expect([...sections().keys()].filter((code) => !Object.hasOwn(failureRegistry, code))).toEqual([])
  })

  it('begins each section once', () => {
    const headings = [...page.matchAll(/^### ([A-Z_]+)$/gm)].map(([, code]) => code)
    expect(headings).toHaveLength(sections().size)
  })
})

describe('the metrics of failures', () => {
  it('have labels of the registry and no others, and all of them', async () => {
    const text = await metricsOfFailures()
    const lines = text.split('\n').filter((line) => line.startsWith('oauthcredential_') && !line.includes('watch_'))
    const labels = lines.flatMap((line) => [...line.matchAll(/[{,](reason|outcome)="([^"]*)"/g)])
    const reasons = new Set<string>(Object.values(failureRegistry).map(({ reason }) => reason))
    const shown = new Set(labels.map(([, , value = '']) => value))
    expect([...shown].filter((value) => value !== 'issued' && !reasons.has(value))).toEqual([])
    expect([...reasons].filter((reason) => !shown.has(reason))).toEqual([])
  })

  it('tell HTTP statuses by their class', async () => {
    const codes = [...(await metricsOfFailures()).matchAll(/token_responses_total\{[^}]*code="([^"]*)"/g)]
    expect(codes.length).toBeGreaterThan(2)
    for (const [, code] of codes) expect(code).toMatch(/^(?:[1-5]xx|none)$/)
  })
})
