/** One named part of the process' health. */
export interface HealthCheck {
  /** Kebab case; printed in the answer. */
  readonly name: string
  /**
   * Why the part is not well; undefined when it is. Must answer from memory: a probe that waits for
   * somebody else's server would restart this process for that server's outage. Never holds a token.
   */
  problem(): string | undefined
}

/** What a probe is answered. */
export interface HealthReport {
  readonly ok: boolean
  /** One line per check. */
  readonly text: string
}

/** Asks every check. One that throws counts as unwell; what it threw is not printed. */
export function healthReport(checks: readonly HealthCheck[]): HealthReport {
  const found = checks.map((check) => ({ name: check.name, problem: problemOf(check) }))
  const lines = found.map(({ name, problem }) =>
    problem === undefined ? `[+] ${name}: ok` : `[-] ${name}: ${problem}`,
  )
  const ok = found.every(({ problem }) => problem === undefined)
  return { ok, text: [...lines, ok ? 'ok' : 'not ok', ''].join('\n') }
}

function problemOf(check: HealthCheck): string | undefined {
  try {
    return check.problem()
  } catch {
    return 'the check itself failed'
  }
}
