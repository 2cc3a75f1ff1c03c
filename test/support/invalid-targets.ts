import { type InvalidManifest, row } from './invalid-row.ts'
import { minimalCredential } from './manifests.ts'

/** Types of Secrets that no target has, or not with these outputs. */
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
}
