import { dashboardRows, type PanelSource, type PanelType, type RowSource } from './dashboard-panels.ts'

const datasource = { type: 'prometheus', uid: '${datasource}' }
const panelHeight = 8

/** The dashboard as Grafana imports it. */
export function dashboard(): string {
  const document = {
    uid: 'oauth-credential-operator',
    title: 'OAuth credential operator',
    tags: ['oauth', 'kubernetes'],
    schemaVersion: 39,
    timezone: 'browser',
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: { list: variables },
    panels: placed(dashboardRows),
  }
  return `${JSON.stringify(document, undefined, 2)}\n`
}

const variables = [
  { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' },
  variable('namespace', 'Namespace', 'label_values(oauthcredential_info, namespace)'),
  variable('provider', 'Provider', 'label_values(oauthcredential_info, provider)'),
  variable('name', 'Credential', 'label_values(oauthcredential_info{namespace=~"$namespace"}, name)'),
]

function variable(name: string, label: string, query: string): object {
  const everything = { includeAll: true, multi: true, allValue: '.*', current: { text: 'All', value: '$__all' } }
  return { name, label, type: 'query', datasource, query, refresh: 2, sort: 1, ...everything }
}

/** Rows below each other; in a row, panels beside each other until it is full. */
function placed(rows: readonly RowSource[]): readonly object[] {
  const panels: object[] = []
  let y = 0
  for (const row of rows) {
    panels.push({ id: panels.length + 1, type: 'row', title: row.title, gridPos: { x: 0, y, w: 24, h: 1 } })
    y += 1
    let x = 0
    for (const source of row.panels) {
      if (x + source.width > 24) [x, y] = [0, y + panelHeight]
      panels.push(panel(source, panels.length + 1, { x, y, w: source.width, h: panelHeight }))
      x += source.width
    }
    y += panelHeight
  }
  return panels
}

function panel(source: PanelSource, id: number, gridPos: object): object {
  const { title, description, type, queries, unit } = source
  return {
    id,
    title,
    description,
    type,
    gridPos,
    datasource,
    fieldConfig: { defaults: { ...(unit !== undefined && { unit }), thresholds: thresholdsOf(source) }, overrides: [] },
    options: optionsOf(type),
    targets: queries.map(([expr, legendFormat], index) => ({
      refId: String.fromCharCode(65 + index),
      expr,
      legendFormat,
      datasource,
      ...(type === 'table' && { format: 'table', instant: true }),
      ...(type === 'heatmap' && { format: 'heatmap' }),
    })),
    ...(type === 'table' && { transformations: [{ id: 'organize', options: { excludeByName: unneeded } }] }),
  }
}

/** Columns that say nothing in a table of credentials. */
const unneeded = Object.fromEntries(
  ['Time', '__name__', 'job', 'instance', 'pod', 'endpoint', 'container', 'service'].map((name) => [name, true]),
)

function thresholdsOf({ redFrom, redBelow }: PanelSource): object {
  const red = redFrom ?? redBelow
  if (red === undefined) return { mode: 'absolute', steps: [{ color: 'green', value: null }] }
  const [low, high] = redFrom === undefined ? ['red', 'green'] : ['green', 'red']
  return {
    mode: 'absolute',
    steps: [
      { color: low, value: null },
      { color: high, value: red },
    ],
  }
}

function optionsOf(type: PanelType): object {
  if (type === 'stat') return { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value', graphMode: 'area' }
  if (type === 'table') return { showHeader: true, sortBy: [{ displayName: 'Value', desc: false }] }
  if (type === 'timeseries') return { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } }
  return {}
}
