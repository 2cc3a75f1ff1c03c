import { describe, expect, test } from 'vitest'
import {
  classifyKubeError,
  clusterCodes,
  problemOf,
  storeCodes,
  targetCodes,
} from '../../../src/adapters/kubernetes/classify.ts'
import type { KubeError } from '../../../src/adapters/kubernetes/kube-client.ts'
import type { FailureCode } from '../../../src/domain/failures.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { canary, observeOutput } from '../../support/canary.ts'

const rbac =
  'secrets "x" is forbidden: User "system:serviceaccount:oauth:op" cannot patch resource "secrets" in API group "" in the namespace "ci"'
const quota = 'secrets "x" is forbidden: exceeded quota: few, requested: secrets=1, used: secrets=3, limited: secrets=3'
const policy = `secrets "x" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no User "x" here`
const terminating =
  'secrets "x" is forbidden: unable to create new content in namespace ci because it is being terminated'

type Codes = readonly [target: FailureCode, cluster: FailureCode, store: FailureCode]
const unavailable: Codes = ['TARGET_UNAVAILABLE', 'KUBERNETES_UNAVAILABLE', 'STORE_UNAVAILABLE']
const refusedCodes: Codes = ['TARGET_REJECTED', 'KUBERNETES_UNAVAILABLE', 'STORE_FORBIDDEN']

const table: Record<string, [error: Partial<KubeError>, problem: string, codes: Codes]> = {
  'the authorizer says no': [
    { status: 403, reason: 'Forbidden', message: rbac },
    'forbidden',
    ['KUBERNETES_FORBIDDEN', 'KUBERNETES_FORBIDDEN', 'STORE_FORBIDDEN'],
  ],
  'a proxy says no': [
    { status: 403, reason: 'HTTP403', message: 'PATCH /x was refused with HTTP status 403.' },
    'forbidden',
    ['KUBERNETES_FORBIDDEN', 'KUBERNETES_FORBIDDEN', 'STORE_FORBIDDEN'],
  ],
  'a quota is exhausted': [{ status: 403, reason: 'Forbidden', message: quota }, 'refused', refusedCodes],
  'a policy refuses': [{ status: 403, reason: 'Forbidden', message: policy }, 'refused', refusedCodes],
  'a webhook refuses': [
    { status: 403, reason: 'Forbidden', message: 'admission webhook "w" denied the request: no' },
    'refused',
    refusedCodes,
  ],
  'the namespace is going': [{ status: 403, reason: 'Forbidden', message: terminating }, 'refused', refusedCodes],
  'the object is not valid': [{ status: 422, reason: 'Invalid' }, 'refused', refusedCodes],
  'the request is not understood': [{ status: 400, reason: 'BadRequest' }, 'refused', refusedCodes],
  'the object is too large': [{ status: 413, reason: 'RequestEntityTooLarge' }, 'refused', refusedCodes],
  'nothing is there': [{ status: 404, reason: 'NotFound' }, 'missing', refusedCodes],
  'somebody else was faster': [
    { status: 409, reason: 'Conflict' },
    'conflict',
    ['TARGET_UNAVAILABLE', 'KUBERNETES_UNAVAILABLE', 'STORE_CONFLICT'],
  ],
  'the server is busy': [
    { status: 429, reason: 'TooManyRequests', retryAfterSeconds: 7 },
    'throttled',
    ['TARGET_UNAVAILABLE', 'KUBERNETES_UNAVAILABLE', 'STORE_THROTTLED'],
  ],
  'the credentials are not taken': [{ status: 401, reason: 'Unauthorized' }, 'unavailable', unavailable],
  'the request took too long': [{ status: 408, reason: 'Timeout' }, 'unavailable', unavailable],
  'a webhook cannot be called': [{ status: 500, reason: 'InternalError' }, 'unavailable', unavailable],
  'the server is restarting': [{ status: 503, reason: 'ServiceUnavailable' }, 'unavailable', unavailable],
  'etcd is slow': [{ status: 504, reason: 'Timeout', ambiguous: true }, 'unavailable', unavailable],
  'nobody answers': [{ status: undefined, reason: 'ECONNREFUSED' }, 'unavailable', unavailable],
}

describe('what a failed call means', () => {
  test.each(Object.entries(table))('when %s', (_when, [given, problem, codes]) => {
    const error: KubeError = { status: undefined, reason: '', message: 'what it said', ambiguous: false, ...given }
    const attempt = { what: 'Writing Secret ci/x', permission: 'patch secrets in the namespace ci' }
    expect(problemOf(error)).toBe(problem)
    const failures = [targetCodes, clusterCodes, storeCodes].map((set) =>
      classifyKubeError(error, { ...attempt, codes: set }),
    )
    expect(failures.map(({ code }) => code)).toEqual(codes)
    for (const failure of failures) {
      expect(failure.message).toMatch(/^Writing Secret ci\/x .*\. /)
      expect(failure.message).not.toContain('system:serviceaccount')
      expect(failure.retryAfterSeconds).toBe(error.retryAfterSeconds)
    }
  })
})

describe('the words of the API server', () => {
  const token = canary('at')
  const content = JSON.stringify({ token, note: 'the usual' })
  const messageFor = (message: string): string => {
    const { message: told } = classifyKubeError(
      { status: 422, reason: 'Invalid', message, ambiguous: false },
      { what: 'Writing it', permission: '', codes: targetCodes, confidential: [new Sensitive(content)] },
    )
    observeOutput('a failure', told)
    return told
  }
  const base64 = Buffer.from(content).toString('base64')

  const quoting: Record<string, string> = {
    'the token': `refused: ${token}`,
    'a part of the token': `refused: ${token.slice(3, 24)}…`,
    'the whole content': `data ${content} is not allowed.`,
    'its base64': `got ${base64}`,
    'a part of its base64': `got ${base64.slice(0, 40)}`,
  }
  test.each(Object.entries(quoting))('are withheld when they quote %s', (_what, message) => {
    expect(messageFor(message)).toContain(
      'refused by the API server: Invalid (its message quotes the data and is withheld).',
    )
  })

  const plain: Record<string, [said: string, told: string]> = {
    'a sentence': ['no plain tokens.', 'API server: no plain tokens. '],
    'several lines': ['first\n\tsecond\u0000 third', 'API server: first second third. '],
    nothing: ['', 'API server: Invalid. '],
  }
  test.each(Object.entries(plain))('are told when they are %s', (_what, [said, told]) => {
    expect(messageFor(said)).toContain(told)
  })
})
