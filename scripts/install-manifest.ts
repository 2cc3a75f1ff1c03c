import { parseAllDocuments, stringify, visit } from 'yaml'

const separator = '\n---\n'

const digestLine = /^# Chart: (\S+)$/m

const heading = (
  digest: string,
): string => `# Generated from the chart with its default values by \`npm run generate:install\`. Do not edit.
# Chart: ${digest}
#
#   kubectl apply --server-side -f deploy/install.yaml
#
# The kinds and the namespace go with everything else when this file is deleted, and with them every credential and the
# records of the refreshes. To take away the operator alone, delete what has its label; the kinds and the namespace have none:
#
#   kubectl delete -f deploy/install.yaml -l app.kubernetes.io/instance=oauth-credential-operator`

/** Release and namespace of the manifest. */
export const installName = 'oauth-credential-operator'

/** What `helm` has to be told to render what the manifest holds beside the kinds. */
export function renderArguments(chart: string): readonly string[] {
  return ['template', installName, chart, '--namespace', installName, '--no-hooks', '--set', 'crds.enabled=false']
}

/** The digest of the chart that a manifest was made from; undefined when it does not say. */
export function digestIn(manifest: string): string | undefined {
  return digestLine.exec(manifest)?.[1]
}

/**
 * The objects that `helm` rendered as a manifest for those who do without: with their namespace, and without what is
 * true of objects of a release only. Kinds are added by `withKinds`. `digest`: of the chart.
 */
export function installManifest(rendered: string, digest: string): string {
  const objects = parseAllDocuments(rendered).filter((document) => document.contents !== null)
  for (const object of objects) {
    object.commentBefore = null
    if (object.contents !== null) object.contents.commentBefore = null
    visit(object, { Pair: (_, pair) => (isOfHelm(pair.key) ? visit.REMOVE : undefined) })
  }
  const texts = objects.map((object) => object.toString({ lineWidth: 0, directives: false }).trim())
  return [heading(digest), stringify(namespace).trim(), ...texts].join(separator) + '\n'
}

/** The manifest with these kinds, in place of those that it has. */
export function withKinds(manifest: string, kinds: readonly string[]): string {
  const [head = '', own = '', ...others] = manifest.trim().split(separator)
  const rest = others.filter((text) => !/^kind: CustomResourceDefinition$/m.test(text))
  return [head, own, ...kinds.map(withoutHeading), ...rest].join(separator) + '\n'
}

/** The namespace holds the records of refreshes. It has no label of the operator, so that it is not deleted by one. */
const namespace = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: installName, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
}

const labelsOfHelm: ReadonlySet<string> = new Set(['helm.sh/chart', 'app.kubernetes.io/managed-by'])

function isOfHelm(key: unknown): boolean {
  return labelsOfHelm.has(String(key))
}

function withoutHeading(kind: string): string {
  return kind.replace(/^(#.*\n|---\n)+/, '').trim()
}
