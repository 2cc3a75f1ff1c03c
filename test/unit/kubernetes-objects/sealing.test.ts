import { describe, expect, test } from 'vitest'
import { keyNameOf, newKey, seal, sealingKey, unseal } from '../../../src/adapters/kubernetes/sealing.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { canary } from '../../support/canary.ts'

const subject = { uid: 'u', fingerprint: 'f' }
const sevens = new Sensitive(Buffer.alloc(32, 7).toString('base64'))

/** As the first version sealed it. Later versions must open it, or a rotated refresh token is lost with an upgrade. */
const sealedByTheFirstVersion =
  'v1.document.98894ed3ebdc4d85.vsARMuBOwP3aQ_tX2FLC6xHJC5Whi_86z22AAwqbXSKLy-BJL20vRd8whPPf5U7i2B9sHgoMu5DRR7EDZYSN18R0VsEWp9tknGlwye9zmDVx8smrnmuPs5fkz2OAiJOMYg'

function keyOf(base64: Sensitive, owner: 'document' | 'operator' = 'document') {
  const key = sealingKey(owner, base64)
  if (key === undefined) throw new Error('no key')
  return key
}

describe('sealed tokens', () => {
  test('what the first version sealed is opened', () => {
    const tokens = unseal(sealedByTheFirstVersion, subject, keyOf(sevens))
    expect(tokens?.refreshToken?.reveal()).toBe('a refresh token')
    expect(tokens?.refreshTokenExpiresAt).toBe(1_900_000_000)
    expect(keyNameOf(sealedByTheFirstVersion)).toEqual({ owner: 'document', id: keyOf(sevens).id })
  })

  test('the same tokens are sealed differently each time', () => {
    const tokens = { refreshToken: new Sensitive(canary('rt')) }
    const sealed = new Set([1, 2, 3].map(() => seal(tokens, subject, keyOf(sevens))))
    expect(sealed.size).toBe(3)
  })

  test('no character of the sealed part can be changed', () => {
    const key = keyOf(newKey())
    const sealed = seal({ refreshToken: new Sensitive(canary('rt')) }, subject, key)
    const from = sealed.lastIndexOf('.') + 1
    // The last character may have bits that no byte takes.
    for (let at = from; at < sealed.length - 1; at += 1) {
      const changed = `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`
      expect(unseal(changed, subject, key)).toBeUndefined()
    }
  })

  test.each([
    ['another credential', { ...subject, uid: 'v' }],
    ['another refresh token', { ...subject, fingerprint: 'g' }],
  ])('they are not opened as those of %s', (_what, other) => {
    const key = keyOf(newKey())
    const sealed = seal({ refreshToken: new Sensitive(canary('rt')) }, subject, key)
    expect(unseal(sealed, subject, key)).toBeDefined()
    expect(unseal(sealed, other, key)).toBeUndefined()
  })

  test.each(['', 'v1', 'v2.document.0011223344556677.AAAA', 'v1.nobody.0011223344556677.AAAA', 'v1.document.00.AAAA'])(
    '%j is no sealed text',
    (text) => {
      expect(keyNameOf(text)).toBeUndefined()
      expect(unseal(text, subject, keyOf(newKey()))).toBeUndefined()
    },
  )
})

describe('a sealing key', () => {
  test('is named without being told', () => {
    const material = newKey()
    const key = keyOf(material)
    expect(key.id).toMatch(/^[0-9a-f]{16}$/)
    expect(keyOf(material, 'operator').id).toBe(key.id)
    expect(keyOf(newKey()).id).not.toBe(key.id)
    const bytes = key.secret.reveal().export().toString('hex')
    expect(Buffer.from(material.reveal(), 'base64').toString('hex')).not.toBe(bytes)
    expect(bytes).not.toContain(key.id)
  })

  test.each(['', 'AAAA', Buffer.alloc(31).toString('base64'), Buffer.alloc(33).toString('base64'), '!'.repeat(44)])(
    'is not made of %j',
    (text) => {
      expect(sealingKey('document', new Sensitive(text))).toBeUndefined()
    },
  )
})
