import { describe, expect, it } from 'vitest'
import { recordSecretName, recordsMarkName } from '../../../src/adapters/kubernetes/record-secret.ts'
import { purposeOf } from '../../bench/api-call.ts'

const uid = '00000000-0000-4000-8000-000000000007'
const secrets = '/api/v1/namespaces/bench/secrets'
const own = '/apis/oauth-operator.dev/v1alpha1/namespaces/bench/oauthcredentials'

describe('the calls that the benchmark counts', () => {
  it.each([
    ['a publication', `PATCH ${secrets}/one-token?force=true`, 'PATCH target', 'one'],
    ['its rehearsal', `PATCH ${secrets}/one-token?force=true&dryRun=All`, 'PATCH target (dry run)', 'one'],
    ['a look at a target', `GET ${secrets}/one-token`, 'GET target', 'one'],
    ['a change of a record', `PATCH ${secrets}/${recordSecretName(uid)}`, 'PATCH record', uid],
    ['the list of records', `GET ${secrets}?labelSelector=a`, 'GET secrets', undefined],
    ['the mark beside them', `PATCH ${secrets}/${recordsMarkName}?force=true`, 'PATCH mark of records', undefined],
    ['a status', `PATCH ${own}/one/status`, 'PATCH status', 'one'],
    ['a finalizer', `PATCH ${own}/one`, 'PATCH oauthcredentials', undefined],
    ['the login of the store', `GET ${secrets}/vault-token`, 'GET login secret', undefined],
    ['a key', `GET ${secrets}/key`, 'GET secret key', undefined],
    ['a Lease', 'PUT /apis/coordination.k8s.io/v1/namespaces/bench/leases/x', 'PUT leases', undefined],
    ['anything else', 'GET /api/v1/namespaces/kube-system', 'GET other', undefined],
  ])('tell %s', (_, call, kind, credential) => {
    const [method = '', path = ''] = call.split(' ')
    const purpose = purposeOf({ request: { method }, url: new URL(path, 'https://api'), body: '' })
    expect(purpose).toEqual({ kind, ...(credential !== undefined && { credential }) })
  })

  it('tell a new record by its body', () => {
    const body = JSON.stringify({ metadata: { name: recordSecretName(uid) } })
    const purpose = purposeOf({ request: { method: 'POST' }, url: new URL(secrets, 'https://api'), body })
    expect(purpose).toEqual({ kind: 'POST record', credential: uid })
  })

  it('leave watches out', () => {
    const url = new URL('/api/v1/namespaces?watch=true', 'https://api')
    expect(purposeOf({ request: { method: 'GET' }, url, body: '' })).toBeUndefined()
  })
})
