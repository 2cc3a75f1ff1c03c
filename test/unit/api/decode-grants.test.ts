import { expect, test } from 'vitest'
import { decodeResource } from '../../../src/api/decode.ts'
import type { CredentialSpec } from '../../../src/domain/credential.ts'
import { clientCredential, type Manifest, staticCredential } from '../../support/manifests.ts'

function specOf(manifest: Manifest): CredentialSpec {
  const resource = decodeResource(manifest)
  if (resource?.type !== 'credential') throw new Error(`decoded as ${JSON.stringify(resource)}`)
  return resource.credential.spec
}

test('a credential whose client asks for itself has no refresh token', () => {
  const spec = specOf(clientCredential)
  expect(spec).toMatchObject({
    grant: 'ClientCredentials',
    provider: { kind: 'ClusterOAuthProvider', name: 'gateway' },
    scopes: ['api:read'],
    refresh: { beforePercent: 20, storeOutage: 'Wait' },
  })
  expect(spec).not.toHaveProperty('refreshToken')
})

test('a credential of a static token has no provider', () => {
  expect(specOf(staticCredential)).toEqual({
    grant: 'StaticToken',
    accessToken: { store: { kind: 'ClusterTokenStore', name: 'vault' }, key: 'teams/ci/setup', property: '/token' },
    refresh: { storeOutage: 'Wait' },
    target: { name: 'setup-token', outputs: [{ format: 'raw' }], creationPolicy: 'Owner', deletionPolicy: 'Delete' },
    suspend: false,
  })
})
