import { stringify } from 'yaml'
import { kinds, type OurKind } from '../src/api/kinds.ts'
import { apiGroup } from '../src/domain/names.ts'

/** The scripts below deploy/argocd. */
export interface ArgoScripts {
  readonly health: string
  readonly discovery: string
  readonly refresh: string
  /** Health of the kinds that have no status. */
  readonly others: string
}

const heading = `# Generated from the scripts beside it by \`npm run generate\`. Do not edit.
#
#   kubectl -n argocd patch configmap argocd-cm --patch-file deploy/argocd/argocd-cm.yaml
`

/** What Argo CD has to be told of our kinds: a patch of its ConfigMap that leaves its other settings alone. */
export function argoSettings({ health, discovery, refresh, others }: ArgoScripts): string {
  const definitions = [{ name: 'refresh', 'action.lua': refresh }]
  const actions = stringify({ 'discovery.lua': discovery, definitions }, { lineWidth: 0 })
  const data = new Map(Object.keys(kinds).map((kind) => [keyOf('health', kind), kind === withStatus ? health : others]))
  data.set(keyOf('actions', withStatus), actions)
  return `${heading}${stringify({ data }, { lineWidth: 0 })}`
}

/** The one kind that has a status. */
const withStatus: OurKind = 'OAuthCredential'

function keyOf(purpose: 'health' | 'actions', kind: string): string {
  return `resource.customizations.${purpose}.${apiGroup}_${kind}`
}
