import { parse, stringify } from 'yaml'

/** One alert of the chart's files/alerts.yaml. */
export interface AlertSource {
  readonly alert: string
  readonly for: string
  readonly severity: string
  readonly expr: string
  readonly threshold?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly summary: string
  readonly description: string
}

export interface AlertSources {
  readonly recordings: readonly { readonly record: string; readonly expr: string }[]
  readonly alerts: readonly AlertSource[]
}

const job = 'oauth-credential-operator'

export function readAlertSources(text: string): AlertSources {
  return parse(text) as AlertSources
}

/** The rules with their default thresholds, as a Prometheus without the Prometheus operator loads them. */
export function prometheusRules({ recordings, alerts }: AlertSources): string {
  const groups = [
    { name: `${job}.records`, rules: recordings },
    { name: `${job}.alerts`, rules: alerts.map(rule) },
  ]
  return `# Generated from the chart's files/alerts.yaml by \`npm run generate\`. Do not edit.\n${stringify({ groups }, { lineWidth: 0 })}`
}

function rule({ alert, expr, severity, labels, summary, description, threshold, ...source }: AlertSource): object {
  return {
    alert,
    expr: filled(expr, threshold),
    for: source.for,
    labels: { severity, ...(labels && { job }) },
    annotations: { summary, description, runbook_url: `docs/runbooks/${alert}.md` },
  }
}

function filled(expression: string, threshold: number | undefined): string {
  return expression.replaceAll('$job', job).replaceAll('$threshold', String(threshold))
}
