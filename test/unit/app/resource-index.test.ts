import { describe, expect, it } from 'vitest'
import { ResourceIndex } from '../../../src/app/resource-index.ts'
import type { Credential } from '../../../src/domain/credential.ts'
import { noState } from '../../../src/domain/credential-state.ts'
import { aCredential } from '../../support/builders.ts'

/** As it comes from a watch: equal, and the same object nowhere. */
function received(credential: Credential): Credential {
  return JSON.parse(JSON.stringify(credential)) as Credential
}

function indexed(index: ResourceIndex, { key }: Credential): Credential {
  const found = index.credential(key)
  if (found?.type !== 'credential') throw new Error('the credential is not in the index')
  return found.credential
}

describe('the resource index', () => {
  it('keeps one copy of a spec through the echoes of status writes', () => {
    const index = new ResourceIndex(() => undefined)
    const credential = aCredential()
    index.upserted('OAuthCredential', { type: 'credential', credential: received(credential) })
    const { spec } = indexed(index, credential)
    const echo = received({ ...credential, state: { ...noState, refreshes: 7 } })
    index.upserted('OAuthCredential', { type: 'credential', credential: echo })
    expect(indexed(index, credential).state.refreshes).toBe(7)
    expect(indexed(index, credential).spec).toBe(spec)
  })

  it('takes a spec that differs, whatever the generation says', () => {
    const index = new ResourceIndex(() => undefined)
    const credential = aCredential()
    index.upserted('OAuthCredential', { type: 'credential', credential })
    const changed = { ...credential, spec: { ...credential.spec, suspend: !credential.spec.suspend } }
    index.upserted('OAuthCredential', { type: 'credential', credential: changed })
    expect(indexed(index, credential).spec.suspend).toBe(changed.spec.suspend)
  })
})
