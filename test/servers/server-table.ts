import { goRecipe, kubernetesLinkerFlags } from './go-recipe.ts'
import { pythonRecipe } from './python-recipe.ts'
import type { Recipe } from './recipe.ts'

export type ServerName =
  | 'etcd'
  | 'kube-apiserver'
  | 'kubectl'
  | 'vault'
  | 'helm'
  | 'helm-unittest'
  | 'gitops'
  | 'prometheus'
  | 'moto'
  | 'aws'
  | 'openmetrics'
  | 'cyclonedx'
  | 'node'
  | 'rollouts'

/** A server that the suites need, and every way to come by it. */
export interface ServerEntry {
  readonly name: ServerName
  /** File name of the executable below the cache directory. */
  readonly executable: string
  /** Variables that may name it, in order; `directory` variables hold a folder with the executable in it. */
  readonly variables: readonly { readonly name: string; readonly directory?: boolean }[]
  /** Arguments that make it print its version; absent where it has none. */
  readonly versionArguments?: readonly string[]
  /** Builds it from pinned sources. */
  readonly recipe: Recipe
  /** Image that holds the executable, for machines with Docker; `{version}` is the recipe's, without `v`. */
  readonly image?: { readonly reference: string; readonly path: string }
  /** The one suite that needs it; it is provided only where that is named. */
  readonly suite?: 'kubelet'
}

const kubebuilderAssets = { name: 'KUBEBUILDER_ASSETS', directory: true }

const rolloutKinds = ['rollout', 'experiment', 'analysis-run', 'analysis-template', 'cluster-analysis-template']

/** Adding a server is one entry here (and a start function beside the others). */
export const servers: readonly ServerEntry[] = [
  {
    name: 'etcd',
    executable: 'etcd',
    variables: [kubebuilderAssets],
    versionArguments: ['--version'],
    recipe: goRecipe({ module: 'go.etcd.io/etcd/server/v3', packages: { etcd: 'go.etcd.io/etcd/server/v3' } }),
    image: { reference: 'quay.io/coreos/etcd:v{version}', path: '/usr/local/bin/etcd' },
  },
  {
    name: 'kube-apiserver',
    executable: 'kube-apiserver',
    variables: [kubebuilderAssets],
    versionArguments: ['--version'],
    recipe: goRecipe({
      module: 'k8s.io/kubernetes',
      packages: { 'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver' },
      linkerFlags: kubernetesLinkerFlags,
    }),
    image: { reference: 'registry.k8s.io/kube-apiserver:v{version}', path: '/usr/local/bin/kube-apiserver' },
  },
  {
    name: 'kubectl',
    executable: 'kubectl',
    variables: [kubebuilderAssets],
    versionArguments: ['version', '--client'],
    recipe: goRecipe({
      module: 'k8s.io/kubernetes',
      packages: { kubectl: 'k8s.io/kubernetes/cmd/kubectl' },
      linkerFlags: kubernetesLinkerFlags,
    }),
    image: { reference: 'registry.k8s.io/kubectl:v{version}', path: '/bin/kubectl' },
  },
  {
    name: 'vault',
    executable: 'vault',
    variables: [{ name: 'BAO_BIN' }, { name: 'VAULT_BIN' }],
    versionArguments: ['version'],
    // The minimal build leaves out the cloud and database plugins (and with them most of the dependencies), but also
    // Kubernetes auth, which is therefore built as the external plugin that it can also be.
    recipe: goRecipe({
      directory: 'vault',
      module: 'github.com/hashicorp/vault',
      tags: 'minimal',
      packages: {
        vault: 'github.com/hashicorp/vault',
        'vault-plugin-auth-kubernetes':
          'github.com/hashicorp/vault-plugin-auth-kubernetes/cmd/vault-plugin-auth-kubernetes',
      },
    }),
    image: { reference: 'hashicorp/vault:{version}', path: '/bin/vault' },
  },
  {
    name: 'helm',
    executable: 'helm',
    variables: [{ name: 'HELM_BIN' }],
    versionArguments: ['version', '--short'],
    recipe: goRecipe({
      directory: 'helm',
      module: 'helm.sh/helm/v4',
      packages: { helm: 'helm.sh/helm/v4/cmd/helm' },
      linkerFlags: (version) => `-X helm.sh/helm/v4/internal/version.version=${version}`,
    }),
    image: { reference: 'alpine/helm:{version}', path: '/usr/bin/helm' },
  },
  {
    name: 'helm-unittest',
    executable: 'untt',
    variables: [{ name: 'HELM_UNITTEST_BIN' }],
    recipe: goRecipe({
      directory: 'helm-unittest',
      module: 'github.com/helm-unittest/helm-unittest',
      packages: { untt: 'github.com/helm-unittest/helm-unittest/cmd/helm-unittest' },
    }),
  },
  {
    name: 'gitops',
    executable: 'gitops',
    variables: [{ name: 'GITOPS_BIN' }],
    // No server, but a small program of ours around the libraries of Flux, Helm and Argo CD.
    recipe: goRecipe({
      directory: 'gitops',
      module: 'github.com/fluxcd/cli-utils',
      packages: { gitops: '.' },
      sources: ['main.go'],
    }),
  },
  {
    name: 'prometheus',
    executable: 'prometheus',
    variables: [{ name: 'PROMETHEUS_BIN' }],
    versionArguments: ['--version'],
    // promtool stands beside it. Without the discovery of other systems most of the dependencies are left out.
    recipe: goRecipe({
      directory: 'prometheus',
      module: 'github.com/prometheus/prometheus',
      tags: 'remove_all_sd',
      packages: {
        prometheus: 'github.com/prometheus/prometheus/cmd/prometheus',
        promtool: 'github.com/prometheus/prometheus/cmd/promtool',
      },
      linkerFlags: (version) => `-X github.com/prometheus/common/version.Version=${version}`,
    }),
  },
  {
    name: 'moto',
    executable: 'moto_server',
    variables: [{ name: 'MOTO_SERVER_BIN' }],
    recipe: pythonRecipe({
      requirements: 'requirements.txt',
      package: 'moto',
      module: 'moto.server',
      executable: 'moto_server',
    }),
  },
  {
    // No server either: AWS's command line, as README types it. Not in moto's environment, which pins another botocore.
    name: 'aws',
    executable: 'aws',
    variables: [{ name: 'AWS_CLI_BIN' }],
    versionArguments: ['--version'],
    recipe: pythonRecipe({
      requirements: 'requirements-aws.txt',
      package: 'awscli',
      module: 'awscli',
      executable: 'aws',
    }),
  },
  {
    name: 'openmetrics',
    executable: 'openmetrics',
    variables: [{ name: 'OPENMETRICS_PARSER_BIN' }],
    // No server, but the parser that strict readers have.
    recipe: pythonRecipe({
      requirements: 'requirements-openmetrics.txt',
      package: 'prometheus-client',
      program: 'openmetrics.py',
      executable: 'openmetrics',
    }),
  },
  {
    // No server either.
    name: 'cyclonedx',
    executable: 'cyclonedx',
    variables: [{ name: 'CYCLONEDX_BIN' }],
    recipe: pythonRecipe({
      requirements: 'requirements-cyclonedx.txt',
      package: 'cyclonedx-python-lib',
      program: 'check-bill.py',
      executable: 'cyclonedx',
    }),
  },
  {
    // kube-controller-manager, kube-scheduler, and what runs in the pods stand beside it.
    name: 'node',
    executable: 'kubelet',
    variables: [{ name: 'NODE_BIN' }],
    recipe: goRecipe({
      directory: 'node',
      module: 'k8s.io/kubernetes',
      packages: {
        kubelet: 'k8s.io/kubernetes/cmd/kubelet',
        'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
        'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
        reader: './reader',
      },
      sources: ['reader/main.go'],
      linkerFlags: kubernetesLinkerFlags,
    }),
    suite: 'kubelet',
  },
  {
    // The controller of Argo Rollouts, and beside it its kinds.
    name: 'rollouts',
    executable: 'rollouts-controller',
    variables: [{ name: 'ROLLOUTS_BIN' }],
    recipe: goRecipe({
      directory: 'rollouts',
      module: 'github.com/argoproj/argo-rollouts',
      packages: { 'rollouts-controller': 'github.com/argoproj/argo-rollouts/cmd/rollouts-controller' },
      files: Object.fromEntries(rolloutKinds.map((kind) => [`${kind}-crd.yaml`, `manifests/crds/${kind}-crd.yaml`])),
    }),
    suite: 'kubelet',
  },
]

/** @returns the table entry of a server. */
export function serverEntry(name: ServerName): ServerEntry {
  const entry = servers.find((candidate) => candidate.name === name)
  if (entry === undefined) throw new Error(`${name} is not in the table of servers`)
  return entry
}
