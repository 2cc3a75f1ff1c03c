import type { InvalidManifest } from './invalid-row.ts'
import { changed, minimalCredential, staticCredential } from './manifests.ts'

function previous(key: string): InvalidManifest {
  return {
    manifest: changed(minimalCredential, 'spec.target.previous', { key }),
    field: 'spec.target.previous',
  }
}

/** Manifests that say of an access token at its end what cannot be; each with the field that has to be named. */
export const invalidTokenEnds: Readonly<Record<string, InvalidManifest>> = {
  'a previous token under the key of the token': previous('access_token'),
  'a previous token without the bare token': {
    manifest: changed(minimalCredential, 'spec.target', {
      name: 'token',
      outputs: [{ format: 'header' }],
      previous: { key: 'before' },
    }),
    field: 'spec.target.previous',
  },
  'a previous token beside a template alone': {
    manifest: changed(minimalCredential, 'spec.target', {
      name: 'token',
      outputs: [{ key: 'raw', template: '{{ .accessToken }}' }],
      previous: {},
    }),
    field: 'spec.target.previous',
  },
  'a previous token under no key': {
    manifest: changed(minimalCredential, 'spec.target.previous', { key: '' }),
    field: 'spec.target.previous.key',
  },
  'a revocation of a static token': {
    manifest: changed(staticCredential, 'spec.revocationPolicy', 'Always'),
    field: 'spec.revocationPolicy',
  },
  'a revocation at no known time': {
    manifest: changed(minimalCredential, 'spec.revocationPolicy', 'Sometimes'),
    field: 'spec.revocationPolicy',
  },
  'a revocation without the bare token': {
    manifest: changed(changed(minimalCredential, 'spec.revocationPolicy', 'WithTarget'), 'spec.target', {
      name: 'token',
      outputs: [{ format: 'header' }],
    }),
    field: 'spec.revocationPolicy',
  },
  'a previous static token': {
    manifest: changed(staticCredential, 'spec.target.previous', { key: 'before' }),
    field: 'spec.target',
  },
}
