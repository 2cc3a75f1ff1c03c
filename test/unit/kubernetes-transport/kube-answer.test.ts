import { describe, expect, test } from 'vitest'
import {
  announcedWaitMs,
  classifyAnswer,
  classifyNoAnswer,
  credentialsRejected,
} from '../../../src/adapters/kubernetes/kube-answer.ts'
import type { KubeError, KubeRequest } from '../../../src/adapters/kubernetes/kube-client.ts'

const read: KubeRequest = { method: 'GET', path: '/api/v1/namespaces/ci/secrets/claude', query: { token: 'in-query' } }
const write: KubeRequest = { ...read, method: 'PATCH', body: { data: 'in-body' } }

const conflict = JSON.stringify({ kind: 'Status', reason: 'Conflict', message: 'the object has been modified' })

describe('what an answer means', () => {
  const cases: Record<string, [KubeRequest, number, string, Partial<KubeError>]> = {
    'a conflict says that nothing was written': [
      write,
      409,
      conflict,
      { status: 409, reason: 'Conflict', message: 'the object has been modified', ambiguous: false },
    ],
    'an internal error may come after the write': [write, 500, '', { reason: 'HTTP500', ambiguous: true }],
    'a gateway timeout may come after the write': [write, 504, '', { reason: 'HTTP504', ambiguous: true }],
    'an internal error on a read is not ambiguous': [read, 500, '', { ambiguous: false }],
    'a 503 without Retry-After may come after the write': [write, 503, '', { ambiguous: true }],
    'a page of a proxy is not quoted': [
      write,
      403,
      '<html>denied by proxy</html>',
      { reason: 'HTTP403', message: `PATCH ${read.path} was refused with HTTP status 403.` },
    ],
    'a success that is not JSON is no success': [write, 200, '<html>', { reason: 'InvalidAnswer', ambiguous: true }],
  }
  test.each(Object.entries(cases))('%s', (_, [request, status, text, expected]) => {
    const outcome = classifyAnswer(request, { status, text, retryAfterSeconds: undefined })
    expect(outcome).toMatchObject({ ok: false, error: expected })
  })

  test('a message is cut to 1 KiB', () => {
    const text = JSON.stringify({ kind: 'Status', reason: 'Invalid', message: 'x'.repeat(5000) })
    const outcome = classifyAnswer(write, { status: 422, text, retryAfterSeconds: undefined })
    expect(outcome.ok ? 0 : outcome.error.message.length).toBe(1024)
  })

  test('neither query nor body is in a message', () => {
    const errors = [classifyNoAnswer(write, { reason: 'ECONNRESET', sent: true })]
    const outcome = classifyAnswer(write, { status: 500, text: '', retryAfterSeconds: undefined })
    if (!outcome.ok) errors.push(outcome.error)
    for (const { message } of errors) expect(message).not.toMatch(/in-query|in-body/)
    expect(errors).toHaveLength(2)
  })
})

describe('no answer', () => {
  const cases: Record<string, [KubeRequest, boolean, boolean]> = {
    'a write that was not sent is not ambiguous': [write, false, false],
    'a write that was sent is ambiguous': [write, true, true],
    'a read never is': [read, true, false],
  }
  test.each(Object.entries(cases))('%s', (_, [request, sent, ambiguous]) => {
    expect(classifyNoAnswer(request, { reason: 'ECONNRESET', sent })).toMatchObject({ status: undefined, ambiguous })
  })
})

describe('what a repeat may help', () => {
  const error = (more: Partial<KubeError>): KubeError => ({
    status: undefined,
    reason: '',
    message: '',
    ambiguous: false,
    ...more,
  })
  const credentials: Record<string, [Partial<KubeError>, boolean]> = {
    'a 401 asks for other credentials': [{ status: 401 }, true],
    'a 403 does not': [{ status: 403, reason: 'Forbidden' }, false],
    'an unknown signer asks for other trust anchors': [{ reason: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, true],
    'a self-signed chain asks for other trust anchors': [{ reason: 'SELF_SIGNED_CERT_IN_CHAIN' }, true],
    'a refused connection does not': [{ reason: 'ECONNREFUSED' }, false],
  }
  test.each(Object.entries(credentials))('%s', (_, [more, expected]) => {
    expect(credentialsRejected(error(more))).toBe(expected)
  })

  const waits: Record<string, [Partial<KubeError>, number | undefined]> = {
    '429 with Retry-After': [{ status: 429, retryAfterSeconds: 2 }, 2000],
    '503 with Retry-After': [{ status: 503, retryAfterSeconds: 1 }, 1000],
    '429 without': [{ status: 429 }, undefined],
    '500 with Retry-After': [{ status: 500, retryAfterSeconds: 1 }, undefined],
  }
  test.each(Object.entries(waits))('%s', (_, [more, expected]) => {
    expect(announcedWaitMs(error(more))).toBe(expected)
  })
})
