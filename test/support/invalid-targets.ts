import { type InvalidManifest, row } from './invalid-row.ts'
import { minimalCredential } from './manifests.ts'

function restarting(restart: unknown, field: string, more: object = {}): InvalidManifest {
  return row(minimalCredential, 'spec.target', { name: 'a', restart, ...more }, field)
}

const agent = { kind: 'Deployment', name: 'agent' }

/** Types of Secrets that no target has, or not with these outputs, and readers that cannot be told of a token. */
export const invalidTargets: Readonly<Record<string, InvalidManifest>> = {
  'a type that means something to the cluster': row(
    minimalCredential,
    'spec.target.type',
    'kubernetes.io/service-account-token',
  ),
  'an image pull secret without its file': row(
    minimalCredential,
    'spec.target.type',
    'kubernetes.io/dockerconfigjson',
    'spec.target.outputs',
  ),
  'an image pull secret with its file under another key': row(
    minimalCredential,
    'spec.target',
    {
      name: 'a',
      type: 'kubernetes.io/dockerconfigjson',
      outputs: [{ format: 'docker-config', host: 'r.example', username: 'ci', key: 'config.json' }],
    },
    'spec.target.outputs',
  ),
  'a basic-auth Secret without a password': row(
    minimalCredential,
    'spec.target',
    { name: 'a', type: 'kubernetes.io/basic-auth', outputs: [{ format: 'raw', key: 'password' }] },
    'spec.target.outputs',
  ),
  'a type of a Secret of somebody else': row(
    minimalCredential,
    'spec.target',
    {
      name: 'a',
      type: 'kubernetes.io/basic-auth',
      creationPolicy: 'Merge',
      outputs: [{ format: 'basic-auth', username: 'ci' }],
    },
    'spec.target.type',
  ),
  'a workload of a kind that nobody rolls': restarting([{ ...agent, kind: 'Job' }], 'spec.target.restart[0].kind'),
  'a workload without a name': restarting([{ kind: 'Deployment' }], 'spec.target.restart[0].name'),
  'a workload of another namespace': restarting(
    [{ kind: 'Deployment', name: 'b/agent' }],
    'spec.target.restart[0].name',
  ),
  'a workload that is named twice': restarting([agent, { ...agent }], 'spec.target.restart'),
  'too many workloads': restarting(
    Array.from({ length: 17 }, (_, index) => ({ kind: 'Deployment', name: `a${index}` })),
    'spec.target.restart',
  ),
  'no workload': restarting([], 'spec.target.restart'),
  'restarts without end': restarting([agent], 'spec.target.restartInterval', { restartInterval: '1s' }),
  'an interval of restarts of nothing': row(
    minimalCredential,
    'spec.target',
    { name: 'a', restartInterval: '5m' },
    'spec.target.restartInterval',
  ),
  'another way to tell pods': row(minimalCredential, 'spec.target.propagation', 'DeletePods'),
}
