import { beforeEach, describe, expect, it } from 'vitest'
import { ResourceIndex } from '../../../src/app/resource-index.ts'
import type { Credential } from '../../../src/domain/credential.ts'
import type { ProviderDraft } from '../../../src/domain/provider-draft.ts'
import { usableReferents } from '../../../src/domain/referents.ts'
import type { Resource } from '../../../src/domain/resources.ts'
import { aCredential, anObservation, aProvider, aStore } from '../../support/builders.ts'
import { observeOutput } from '../../support/canary.ts'

const preset: ProviderDraft = {
  kind: 'ClusterOAuthProvider',
  name: 'vendor',
  generation: 1,
  spec: { tokenEndpoint: 'https://login.vendor.example/token' },
}

const heir: ProviderDraft = {
  kind: 'OAuthProvider',
  name: 'gateway',
  namespace: 'ci',
  generation: 1,
  presetRef: { name: 'vendor', values: {} },
  spec: { client: { id: 'cli', authentication: 'none' } },
}

let index: ResourceIndex
let told: string[]
let credential: Credential

function draft(value: ProviderDraft): void {
  put({ type: 'provider-draft', draft: value })
}

function put(resource: Resource): void {
  index.upserted('ClusterOAuthProvider', resource)
}

/** What somebody reads who asks why it does not go on. */
function failureText(): string {
  const store = { kind: 'found', value: aStore() } as const
  const failure = usableReferents(anObservation({ credential, store, provider: index.provider(credential) }))
  if (!('code' in failure)) throw new Error('it can go on')
  observeOutput('failure', failure.message)
  return `${failure.code}: ${failure.message}`
}

beforeEach(() => {
  told = []
  index = new ResourceIndex(({ namespace, name }) => told.push(`${namespace}/${name}`))
  credential = aCredential()
  index.upserted('OAuthCredential', { type: 'credential', credential })
  draft(preset)
  draft(heir)
  told = []
})

describe('a provider with a preset', () => {
  it('is what both say', () => {
    expect(index.provider(credential)).toMatchObject({
      kind: 'found',
      value: { kind: 'OAuthProvider', name: 'gateway', tokenEndpoint: 'https://login.vendor.example/token' },
    })
  })

  it('is worked out once', () => {
    expect(index.provider(credential)).toBe(index.provider(credential))
  })

  it('takes a changed preset at once, and tells its credentials', () => {
    draft({ ...preset, generation: 2, spec: { tokenEndpoint: 'https://new.vendor.example/token' } })
    expect(told).toEqual(['ci/claude'])
    expect(index.provider(credential)).toMatchObject({ value: { tokenEndpoint: 'https://new.vendor.example/token' } })
  })

  it('takes a preset that is complete by itself', () => {
    const { namespace: _, ...provider } = aProvider({ kind: 'ClusterOAuthProvider', name: 'vendor' })
    put({ type: 'provider', provider: { ...provider, accessTokenLifetimeSeconds: 60 } })
    expect(told).toEqual(['ci/claude'])
    expect(index.provider(credential)).toMatchObject({
      value: { kind: 'OAuthProvider', namespace: 'ci', accessTokenLifetimeSeconds: 60, client: { id: 'cli' } },
    })
  })

  it('is told of no other preset', () => {
    draft({ ...preset, name: 'other' })
    expect(told).toEqual([])
  })

  it('fails by name without its preset, and resumes with it', () => {
    index.deleted('ClusterOAuthProvider', undefined, 'vendor')
    expect(told).toEqual(['ci/claude'])
    expect(failureText()).toBe(
      'PROVIDER_INVALID: OAuthProvider ci/gateway is invalid: spec.presetRef.name: is ClusterOAuthProvider vendor, which does not exist. ' +
        'Correct the named field of the provider; its credentials resume by themselves.',
    )
    draft(preset)
    expect(told).toEqual(['ci/claude', 'ci/claude'])
    expect(index.provider(credential).kind).toBe('found')
  })

  it('fails by name when its preset is invalid', () => {
    const problems = [{ field: 'spec.rotation.mode', message: 'must be one of Detect, Always, Never' }]
    put({ type: 'invalid-provider', kind: 'ClusterOAuthProvider', referent: { name: 'vendor', problems } })
    expect(failureText()).toContain(
      'OAuthProvider ci/gateway is invalid: spec.presetRef.name: is ClusterOAuthProvider vendor, which is invalid: spec.rotation.mode',
    )
  })

  it('is gone when a list no longer has it', () => {
    index.replaced('OAuthProvider', [])
    expect(told).toEqual(['ci/claude'])
    expect(index.provider(credential)).toEqual({ kind: 'missing' })
  })
})

it('a preset that a credential names says what is missing', () => {
  credential = aCredential({ spec: { provider: { kind: 'ClusterOAuthProvider', name: 'vendor' } } })
  expect(failureText()).toContain(
    'PROVIDER_INVALID: ClusterOAuthProvider vendor is invalid: spec.client.id: is required; a preset is used through a provider that names it',
  )
})
