import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import { blocksOf } from '../unit/docs/pages.ts'
import { type Cluster, startCluster } from './kube-apiserver.ts'
import { runHelm } from './helm.ts'
import { manifestOf } from './operator-bed.ts'
import type { OperatorProcess } from './operator-process.ts'
import { startRelease } from './release-process.ts'
import { serverPath } from './server-source.ts'

// The chart with the real helm and the real API server: what it renders is accepted, what it installs does the main
// job with the rights and flags that it renders, and what it leaves behind is what its values say.

const chart = fileURLToPath(new URL('../../deploy/helm/oauth-credential-operator', import.meta.url))
const mainFile = fileURLToPath(new URL('../../src/main/main.ts', import.meta.url))
const release = 'oauth-credential-operator'
const namespace = 'oauth-system'

let cluster: Cluster
let home: string

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'helm-'))
  cluster = await startCluster()
  for (const name of [namespace, 'team-a', 'team-b']) await cluster.kubectlOrThrow(['create', 'namespace', name])
  const restricted = 'pod-security.kubernetes.io/enforce=restricted'
  await cluster.kubectlOrThrow(['label', 'namespace', namespace, restricted])
  await cluster.kubectlOrThrow(['apply', '-f', '-'], JSON.stringify(monitorKinds))
})
afterAll(async () => {
  await cluster?.stop()
  rmSync(home, { recursive: true, force: true })
})

function helm(...args: readonly string[]): Promise<string> {
  return runHelm(home, args, cluster.adminKubeconfig)
}

function template(...flags: readonly string[]): Promise<string> {
  return helm('template', release, chart, '--namespace', namespace, ...flags)
}

function objectsOf(rendered: string): readonly RenderedObject[] {
  return parseAllDocuments(rendered)
    .map((document) => document.toJS() as RenderedObject | null)
    .filter((object) => object !== null)
}

function hooksOf(rendered: string): readonly PodObject[] {
  return parseAllDocuments(rendered).map((document) => document.toJS() as PodObject)
}

async function alertsOf(rendered: Promise<string>): Promise<readonly object[]> {
  const rule = objectsOf(await rendered).find(({ kind }) => kind === 'PrometheusRule')
  return rule?.spec?.groups?.[1]?.rules ?? []
}

interface RenderedObject {
  readonly spec?: { readonly groups?: readonly { readonly rules: readonly object[] }[] }
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly rules?: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[]
}

/** The kinds of the Prometheus operator, as far as the API server has to know them here. */
const monitorKinds = {
  apiVersion: 'v1',
  kind: 'List',
  items: ['ServiceMonitor', 'PodMonitor', 'PrometheusRule'].map((kind) => {
    const plural = `${kind.toLowerCase()}s`
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
    return {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.monitoring.coreos.com` },
      spec: {
        group: 'monitoring.coreos.com',
        scope: 'Namespaced',
        names: { plural, singular: kind.toLowerCase(), kind },
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    }
  }),
}

describe('what the chart renders', () => {
  test('passes helm lint', async () => {
    expect(await helm('lint', '--strict', chart)).toContain('0 chart(s) failed')
  })

  const contained = `"securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}`
  /** What follows is given with --set, or as JSON where it begins with a name and a bracket. */
  const matrix: Readonly<Record<string, readonly string[]>> = {
    'with the defaults': [],
    'for two namespaces': ['watchNamespaces={team-a,team-b}'],
    'with drift repair': ['driftRepair.enabled=true'],
    'with drift repair in two namespaces': ['driftRepair.enabled=true,watchNamespaces={team-a,team-b}'],
    'without anything that can be left out': [
      'crds.enabled=false',
      'rbac.create=false',
      'metrics.service.enabled=false',
      'podDisruptionBudget.enabled=false',
      'serviceAccount.create=false,serviceAccount.name=default',
    ],
    'for one replica without a Lease': ['replicaCount=1,leaderElection.enabled=false'],
    'with a network policy': [
      'networkPolicy.enabled=true,networkPolicy.egressPorts={53,443}',
      'networkPolicy.metricsFrom=[{"namespaceSelector":{}}]',
      'networkPolicy.extraEgress=[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8"}}]}]',
    ],
    'with a ServiceMonitor': ['serviceMonitor.enabled=true,serviceMonitor.renderMode=alwaysRender'],
    'with a PodMonitor': ['podMonitor.enabled=true,podMonitor.renderMode=alwaysRender'],
    'with alerts, some of them changed': [
      'prometheusRule.enabled=true,prometheusRule.renderMode=alwaysRender,prometheusRule.ruleLabels.team=sre',
      'prometheusRule.rules.OAuthCredentialNotReady={"enabled":false}',
      'prometheusRule.rules.OAuthCredentialStalled={"for":"1h","severity":"info","labels":{"team":"apps"}}',
    ],
    'with a dashboard': ['grafanaDashboard.enabled=true,grafanaDashboard.labels.team=sre'],
    'with an image by digest and names of its own': [
      `image.digest=sha256:${'a'.repeat(64)},fullnameOverride=tokens,nameOverride=tokens`,
    ],
    'with all that tells readers of a token': [
      'propagation.annotatePods=true,propagation.restart=true,propagation.warnings=true',
    ],
    'with all that tells readers of a token, for two namespaces': [
      'watchNamespaces={team-a,team-b},propagation.annotatePods=true,propagation.restart=true',
    ],
    'with tokens of ServiceAccounts, of some names and for two namespaces': [
      'serviceAccountTokens.enabled=true,serviceAccountTokens.names={vault-login},watchNamespaces={team-a,team-b}',
    ],
    'with everything extra': [
      'extraEnv=[{"name":"POD_NAME","value":"mine"},{"name":"HTTPS_PROXY","value":"http://p:1"}]',
      'extraVolumes=[{"name":"ca","configMap":{"name":"ca"}}]',
      'extraVolumeMounts=[{"name":"ca","mountPath":"/ca"}]',
      `extraContainers=[{"name":"side","image":"side",${contained}}]`,
      `extraInitContainers=[{"name":"first","image":"first",${contained}}]`,
      'tolerations=[{"operator":"Exists"}]',
      'priorityClassName=system-cluster-critical',
      'nodeSelector.zone=a,podAnnotations.a=b,podLabels.c=d,commonLabels.e=f,extraArgs.identity=one',
      'serviceAccount.annotations.eks\\.amazonaws\\.com/role-arn=arn:aws:iam::1:role/x',
      `extraObjects=["${extraConfigMap}"]`,
    ],
  }

  test.each(Object.entries(matrix))('%s is accepted by the API server', async (_, values) => {
    const rendered = await template(...values.flatMap(flagOf))
    const objects = objectsOf(rendered)
    expect(objects.some(({ kind }) => kind === 'Deployment')).toBe(true)
    const applied = await cluster.kubectl(['apply', '--server-side', '--dry-run=server', '-f', '-'], rendered)
    expect(applied.stderr.replaceAll(/^Warning: resource .*\n/gm, '')).toBe('')
    expect(applied.code).toBe(0)
    expect(applied.stdout.trim().split('\n')).toHaveLength(objects.length)
  })

  const readerRights: Readonly<Record<string, readonly [values: string, rights: readonly string[]]>> = {
    'with the defaults none': ['', []],
    'to annotate pods': ['propagation.annotatePods=true', ['pods list', 'pods patch']],
    'to warn': ['propagation.warnings=true', ['pods list']],
    'to restart': [
      'propagation.restart=true',
      ['daemonsets', 'deployments', 'rollouts', 'statefulsets'].flatMap((name) => [`${name} get`, `${name} patch`]),
    ],
  }

  test.each(Object.entries(readerRights))('gives rights on readers of targets, %s', async (_, [values, rights]) => {
    for (const [scope, kind] of [
      ['', 'ClusterRole'],
      ['watchNamespaces={team-a}', 'Role'],
    ] as const) {
      const flags = [values, scope].filter((flag) => flag !== '').flatMap((flag) => ['--set', flag])
      const objects = objectsOf(await template('--set', 'image.tag=x', ...flags))
      const roles = objects.filter((object) => object.kind === kind && object.metadata.name !== release)
      const given = roles.flatMap(({ rules = [] }) =>
        rules.flatMap(({ resources, verbs }) => resources.flatMap((name) => verbs.map((verb) => `${name} ${verb}`))),
      )
      const ofReaders = given.filter((right) => /^(pods|deployments|statefulsets|daemonsets|rollouts) /.test(right))
      expect(ofReaders.toSorted()).toEqual(rights)
    }
  })

  test('lets what the user gives replace an environment variable of its own', async () => {
    const rendered = await template('--set-json', 'extraEnv=[{"name":"POD_NAME","value":"mine"}]')
    expect(rendered.match(/name: POD_NAME/g)).toHaveLength(1)
    expect(rendered).toMatch(/name: POD_NAME\s+value: mine/)
  })

  test.each([
    ['[]', []],
    ['[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8"}}]}]', [{ to: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }]],
  ])('lets the operator connect nowhere else without egressPorts, with extraEgress %s', async (extra, rules) => {
    const values = ['networkPolicy.enabled=true', 'networkPolicy.egressPorts=[]', `networkPolicy.extraEgress=${extra}`]
    const rendered = await template(...values.flatMap((value) => ['--set-json', value]))
    const policy = objectsOf(rendered).find(({ kind }) => kind === 'NetworkPolicy') as
      { readonly spec: { readonly egress: unknown; readonly policyTypes: unknown } } | undefined
    expect(policy?.spec.policyTypes).toContain('Egress')
    expect(policy?.spec.egress ?? []).toEqual(rules)
  })

  test('changes single alerts as it is told, and leaves the others', async () => {
    const rules = ['--set', 'prometheusRule.enabled=true,prometheusRule.renderMode=alwaysRender']
    const changes = [
      'OAuthCredentialNotReady={"enabled":false}',
      'OAuthCredentialRefreshOverdue={"threshold":60,"for":"1m","severity":"critical","labels":{"team":"apps"}}',
    ].flatMap((change) => ['--set-json', `prometheusRule.rules.${change}`])
    const [before, after] = await Promise.all([template(...rules), template(...rules, ...changes)].map(alertsOf))
    expect(before).toHaveLength(15)
    expect(after).toHaveLength(14)
    const changed = (after ?? []).filter(
      (rule) => !before?.some((other) => JSON.stringify(other) === JSON.stringify(rule)),
    )
    expect(changed).toMatchObject([
      {
        alert: 'OAuthCredentialRefreshOverdue',
        expr: expect.stringContaining('> 60 unless') as unknown,
        for: '1m',
        labels: { severity: 'critical', team: 'apps' },
      },
    ])
  })

  const refused: Readonly<Record<string, readonly [flags: string, reason: RegExp]>> = {
    'a key that is not known': ['replicas=3', /additional properties 'replicas' not allowed/],
    'a key that is not known further in': ['image.name=x', /additional properties 'name' not allowed/],
    'two replicas without a Lease': ['leaderElection.enabled=false', /spend each other's refresh tokens/],
    'a level that does not exist': ['operator.logLevel=trace', /value must be one of/],
    'a ServiceMonitor without its Service': [
      'serviceMonitor.enabled=true,serviceMonitor.renderMode=alwaysRender,metrics.service.enabled=false',
      /needs metrics.service.enabled/,
    ],
    'a change of an alert that there is not': [
      'prometheusRule.enabled=true,prometheusRule.renderMode=alwaysRender,prometheusRule.rules.Nobody.for=1m',
      /there is no rule Nobody/,
    ],
    'a ServiceAccount that nobody names': ['serviceAccount.create=false', /serviceAccount.name is required/],
  }

  test.each(Object.entries(refused))('refuses %s', async (_, [flags, reason]) => {
    await expect(template('--set', flags)).rejects.toThrow(reason)
  })

  test('refuses a preset that does not exist', async () => {
    const flags = ['--set', 'providerPresets.enabled=true,providerPresets.names={nobody}']
    const api = ['--api-versions', 'oauth-operator.dev/v1alpha1/ClusterOAuthProvider']
    await expect(template(...flags, ...api)).rejects.toThrow(/there is no preset nobody/)
    expect(objectsOf(await template(...flags)).some(({ kind }) => kind === 'ClusterOAuthProvider')).toBe(false)
  })
})

function flagOf(value: string): readonly string[] {
  return [/^[a-zA-Z]+(\.[a-zA-Z]+)*=[[{]\W/.test(value) ? '--set-json' : '--set', value]
}

const extraConfigMap = [
  'apiVersion: v1',
  'kind: ConfigMap',
  'metadata: {name: extra, namespace: {{ .Release.Namespace }}}',
].join('\\n')

describe('a release', () => {
  let server: AuthorizationServer
  let operator: OperatorProcess | undefined
  const values = ['--set', 'operator.allowPlainHttp=true,operator.allowPrivateAddresses=true']

  beforeAll(async () => {
    server = await startAuthorizationServer({ accessTokenSeconds: 30 })
  })
  afterAll(async () => {
    await operator?.remove()
    await server?.close()
  })

  test('is installed, and says what comes next', async () => {
    const said = await helm('install', release, chart, '--namespace', namespace, ...values, ...presets)
    expect(said).toContain('STATUS: deployed')
    expect(said).toContain('kubectl get oauthcredentials -A')
    expect(said).toContain(`helm test ${release} --namespace ${namespace}`)
    expect(said).toContain('The presets are not installed yet')
    await cluster.kubectlOrThrow(['wait', '--for=condition=Established', '--timeout=30s', 'crd', ...kinds])
  })

  test('brings the presets with an upgrade', async () => {
    const tokens = ['--set', 'serviceAccountTokens.enabled=true,serviceAccountTokens.names={vault-login}']
    expect(await mayIssueTokenOf('vault-login')).toBe('no')
    const said = await helm('upgrade', release, chart, '--namespace', namespace, '--reset-then-reuse-values', ...tokens)
    expect(said).not.toContain('The presets are not installed yet')
    const names = await cluster.kubectlOrThrow(['get', 'clusteroauthproviders', '-o', 'name'])
    expect(names.trim().split('\n').toSorted()).toEqual([
      'clusteroauthprovider.oauth-operator.dev/github-app',
      'clusteroauthprovider.oauth-operator.dev/google',
    ])
  })

  test('may issue tokens of the ServiceAccounts that its values name, and of no other', async () => {
    expect(await mayIssueTokenOf('vault-login')).toBe('yes')
    expect(await mayIssueTokenOf('default')).toBe('no')
  })

  async function mayIssueTokenOf(account: string): Promise<string> {
    const asked = ['auth', 'can-i', 'create', `serviceaccounts/${account}`, '--subresource=token', '-n', 'team-a']
    return (await cluster.kubectl([...asked, `--as=system:serviceaccount:${namespace}:${release}`])).stdout.trim()
  }

  test('has a Pod that a namespace for restricted Pods takes', async () => {
    const { spec } = await deployment()
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'operator-0', namespace }, spec: spec.template.spec }
    await cluster.kubectlOrThrow(['apply', '-f', '-'], JSON.stringify(pod))
  })

  test('does the main job with the flags, the account and the rights that it has', async () => {
    operator = await startRelease(cluster, { name: release, namespace })
    await applyTeam()
    await cluster.kubectlOrThrow(['wait', '--for=condition=Ready', '--timeout=30s', '-n', 'team-a', 'oac', '--all'])
    await vi.waitFor(() => expect(server.statistics.refreshes).toBeGreaterThan(1), { timeout: 45_000, interval: 250 })
    expect(server.statistics).toMatchObject({ refusals: 0, reuses: 0 })
    expect(operator.output).not.toMatch(/forbidden/i)
  })

  test('has a test whose Pod a namespace for restricted Pods takes, and whose command finds the operator ready', async () => {
    const pod = hooksOf(await helm('get', 'hooks', release, '--namespace', namespace)).find(
      ({ kind }) => kind === 'Pod',
    )
    await cluster.kubectlOrThrow(['apply', '--dry-run=server', '-f', '-'], JSON.stringify(pod))
    const [command = '', ...flags] = pod?.spec.containers[0]?.args ?? []
    const asked = flags.map((flag) => flag.replace(`//${release}-test.${namespace}.svc:8081/`, `//${probes()}/`))
    const { stdout } = await promisify(execFile)(process.execPath, [mainFile, command, ...asked])
    expect(stdout).toBe(`http://${probes()}/readyz: ready\n`)
  })

  test('passes helm test once its Pod has succeeded', async () => {
    const tested = helm('test', release, '--namespace', namespace, '--timeout', '60s')
    const pod = ['pod', `${release}-test`, '-n', namespace]
    const status = { status: { phase: 'Succeeded' } }
    await vi.waitFor(() => cluster.kubectlOrThrow(['get', ...pod]), { timeout: 20_000, interval: 100 })
    await cluster.kubectlOrThrow(['patch', ...pod, '--subresource=status', '-p', JSON.stringify(status)])
    expect(await tested).toMatch(/Phase:\s+Succeeded/)
    expect(await cluster.kubectlOrThrow(['get', 'services,pods', '-n', namespace, '-o', 'name'])).not.toContain('-test')
  })

  test('keeps kinds and credentials when it is deleted, and nothing else', async () => {
    await operator?.stop()
    const said = await helm('uninstall', release, '--namespace', namespace)
    expect(said).toContain('uninstalled')
    expect(await cluster.kubectlOrThrow(['get', 'oac', '-n', 'team-a', '-o', 'name'])).toContain('/login')
    expect(await cluster.kubectlOrThrow(['get', 'secret', '-n', 'team-a', '-o', 'name'])).toContain(
      'secret/login-token',
    )
    const left = await cluster.kubectlOrThrow(['get', everything, '-A', '-l', `app.kubernetes.io/instance=${release}`])
    expect(left).toBe('')
  })

  test('takes the kinds up again, and removes them where it is told to, of which it warns', async () => {
    const settings = ['--set', 'crds.keep=false', '--take-ownership']
    const said = await helm('install', release, chart, '--namespace', namespace, ...settings)
    expect(said.replaceAll(/\s+/g, ' ')).toContain(`first, while the operator can still clean up after them, or they`)
    expect(said).toContain(uninstallCommands[0]?.trim())
    expect(await cluster.kubectlOrThrow(['get', 'oac', '-n', 'team-a', '-o', 'name'])).toContain('/login')
    await helm('uninstall', release, '--namespace', namespace)
    await vi.waitFor(
      async () =>
        expect(await kindsLeft()).toEqual([
          'customresourcedefinition.apiextensions.k8s.io/oauthcredentials.oauth-operator.dev',
        ]),
      { timeout: 20_000, interval: 250 },
    )
  })

  test('that has left a finalizer behind is rid of it by the command of the documents', async () => {
    // One without a finalizer is gone with its kind.
    const hanging = ['get', 'oac', '-n', 'team-a', '-o', 'jsonpath={.items[*].metadata.name}']
    expect(await cluster.kubectlOrThrow(hanging)).toBe('merged')
    await inShell(uninstallCommands[1] ?? '')
    await vi.waitFor(async () => expect(await kindsLeft()).toEqual([]), { timeout: 20_000, interval: 250 })
  })

  async function kindsLeft(): Promise<readonly string[]> {
    const { stdout } = await cluster.kubectl(['get', 'crd', ...kinds, '-o', 'name', '--ignore-not-found'])
    return stdout.split('\n').filter((line) => line !== '')
  }

  async function inShell(script: string): Promise<void> {
    const path = `${dirname(serverPath('kubectl'))}:${process.env['PATH']}`
    const env = { ...process.env, PATH: path, KUBECONFIG: cluster.adminKubeconfig }
    await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { env })
  }

  function probes(): string {
    return operator?.healthAddress ?? ''
  }

  async function deployment(): Promise<DeploymentObject> {
    const text = await cluster.kubectlOrThrow(['get', 'deployment', release, '-n', namespace, '-o', 'json'])
    return JSON.parse(text) as DeploymentObject
  }

  async function applyTeam(): Promise<void> {
    const team = 'team-a'
    const data = { refresh_token: await server.issueRefreshToken() }
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'login', namespace: team }, stringData: data }
    const credential = {
      providerRef: { name: 'login' },
      refreshToken: { storeRef: { name: 'secrets' }, key: 'login' },
      target: { name: 'login-token' },
    }
    const merged = {
      grant: 'ClientCredentials',
      providerRef: { name: 'machine' },
      // Its keys have to be taken out of somebody else's Secret, so it has a finalizer.
      target: { name: 'merged-token', creationPolicy: 'Merge' },
    }
    const { id, secret: clientSecret } = server.clients.post
    const manifests = [
      secret,
      { ...secret, metadata: { name: 'machine', namespace: team }, stringData: { 'client-secret': clientSecret } },
      manifestOf('OAuthProvider', team, 'machine', {
        tokenEndpoint: server.tokenEndpoint,
        client: { id, authentication: 'client_secret_post', secretRef: { name: 'machine', key: 'client-secret' } },
      }),
      manifestOf('OAuthCredential', team, 'merged', merged),
      manifestOf('TokenStore', team, 'secrets', { kubernetes: {} }),
      manifestOf('OAuthProvider', team, 'login', {
        tokenEndpoint: server.tokenEndpoint,
        client: { id: server.clients.none.id, authentication: 'none' },
      }),
      manifestOf('OAuthCredential', team, 'login', credential),
    ]
    await cluster.kubectlOrThrow(
      ['apply', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }),
    )
  }
})

interface PodObject {
  readonly kind: string
  readonly spec: { readonly containers: readonly { readonly args: readonly string[] }[] }
}

interface DeploymentObject {
  readonly spec: { readonly template: { readonly spec: object } }
}

const presets = ['--set', 'providerPresets.enabled=true,providerPresets.names={github-app,google}']
/** How to delete credentials, and how to be rid of those that hang. */
const uninstallCommands = blocksOf(['sh'])
  .filter(({ page, text }) => page === 'docs/upgrading.md' && /kubectl delete oauthcredentials|finalizers/.test(text))
  .map(({ text }) => text)
const everything = 'deployments,services,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,pdb'
const kinds = ['oauthcredentials', 'oauthproviders', 'clusteroauthproviders', 'tokenstores', 'clustertokenstores'].map(
  (plural) => `${plural}.oauth-operator.dev`,
)
