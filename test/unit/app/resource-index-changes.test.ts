import { beforeEach, describe, expect, it, test } from 'vitest'
import { ResourceIndex } from '../../../src/app/resource-index.ts'
import type { Credential } from '../../../src/domain/credential.ts'
import { aCredential, type CredentialChanges } from '../../support/builders.ts'

let index: ResourceIndex
let told: string[]

beforeEach(() => {
  told = []
  index = new ResourceIndex(({ namespace, name }) => told.push(`${namespace}/${name}`))
})

function named(name: string, changes: CredentialChanges = {}): Credential {
  return aCredential({ key: { namespace: 'ci', name }, uid: `uid-${name}`, ...changes })
}

function put(credential: Credential): Credential {
  index.upserted('OAuthCredential', { type: 'credential', credential })
  return credential
}

function putInvalid({ key, uid, generation, deleting, finalized, state }: Credential): void {
  const credential = { key, uid, generation: generation + 1, deleting, finalized, state, problems: [] }
  index.upserted('OAuthCredential', { type: 'invalid-credential', credential })
}

function remove({ key }: Credential): void {
  index.deleted('OAuthCredential', key.namespace, key.name)
}

describe('a credential is told', () => {
  test.each<[string, CredentialChanges]>([
    ['when it is asked to refresh', { refreshRequest: 'now' }],
    ['when it is asked to take ownership', { ownershipRequest: 'now' }],
    ['when another origin is allowed', { allowedOrigin: 'https://login.example.com' }],
    ['when its spec is another one', { generation: 2 }],
    ['when it begins to be deleted', { deleting: true }],
    ['when it gets its finalizer', { finalized: true }],
    ['when it is a namesake', { uid: 'uid-of-the-next' }],
  ])('%s, and only once', (_, changes) => {
    put(named('a'))
    put(named('a', changes))
    put(named('a', changes))
    expect(told).toEqual(['ci/a', 'ci/a'])
  })
})

describe('a uid', () => {
  it('leads to its credential as it was last seen', () => {
    put(named('a'))
    put(named('a', { refreshRequest: 'now' }))
    expect(index.credentialByUid('uid-a')).toMatchObject({ type: 'credential', credential: { refreshRequest: 'now' } })
    putInvalid(named('a'))
    expect(index.credentialByUid('uid-a')?.type).toBe('invalid-credential')
  })

  it('leads nowhere once its credential is gone', () => {
    expect(index.credentialByUid('uid-a')).toBeUndefined()
    remove(put(named('a')))
    expect(index.credentialByUid('uid-a')).toBeUndefined()
    put(named('a'))
    index.replaced('OAuthCredential', [{ type: 'credential', credential: named('b') }])
    expect(index.credentialByUid('uid-a')).toBeUndefined()
    expect(index.credentialByUid('uid-b')?.credential.key.name).toBe('b')
  })

  it('leads nowhere once a namesake has taken the place of its credential', () => {
    put(named('a'))
    put(named('a', { uid: 'uid-of-the-next' }))
    expect(index.credentialByUid('uid-a')).toBeUndefined()
    expect(index.credentialByUid('uid-of-the-next')?.credential.key.name).toBe('a')
  })

  it('that two manifests say leads to the one that is left', () => {
    put(named('a', { uid: 'copied' }))
    put(named('b', { uid: 'copied' }))
    remove(named('a'))
    expect(index.credentialByUid('copied')?.credential.key.name).toBe('b')
  })
})
