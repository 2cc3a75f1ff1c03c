import { describe, expect, it } from 'vitest'
import { readRecordSecret } from '../../../src/adapters/kubernetes/record-secret.ts'
import { Secret } from '../../../src/adapters/kubernetes/schema.ts'
import { spentLimit } from '../../../src/domain/spent-tokens.ts'
import { fleet, namedObjects } from '../../bench/fleet.ts'
import { recordObject } from '../../bench/objects.ts'

describe('the records that the benchmark begins with', () => {
  it.each(fleet(namedObjects(3), 1_800_000_000))('can be read, and are as full as they get: $name', (member) => {
    const { metadata, ...body } = recordObject(member)
    const secret = Secret.parse({ ...body, metadata: { ...metadata, uid: 'secret', resourceVersion: '1' } })
    const read = readRecordSecret(secret, member.uid)
    const spent = read.kind === 'content' ? read.content.clear.spent : []
    expect(new Set(spent).size).toBe(spentLimit)
  })
})
