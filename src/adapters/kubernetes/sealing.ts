import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { decodeTokens, encodeTokens } from '../../api/retained-tokens.ts'
import { Sensitive } from '../../domain/sensitive.ts'
import type { RotatedTokens } from '../../domain/tokens.ts'

/** Whose key it is: the store document's claim brings one, else it is the operator's own. */
export type KeyOwner = 'document' | 'operator'

/** A key for the tokens of records, derived so that what it comes from may serve other purposes too. */
export interface SealingKey {
  readonly owner: KeyOwner
  /** Tells keys apart without telling the key: 16 hexadecimal digits. */
  readonly id: string
  readonly secret: Sensitive<KeyObject>
}

/** What the sealed tokens belong to. They cannot be opened as another credential's, or another generation's. */
export interface SealedSubject {
  readonly uid: string
  /** Of the refresh token among the tokens. */
  readonly fingerprint: string
}

/** How a sealed text names its key. */
export type KeyName = Pick<SealingKey, 'owner' | 'id'>

const keyBytes = 32
/** 96 bits, the length that GCM is made for. @see NIST SP 800-38D §8.2.2 */
const nonceBytes = 12
const tagBytes = 16
const context = 'oauth-operator.dev/refresh-record/v1'
const sealedPattern = /^v1\.(document|operator)\.([0-9a-f]{16})\.([\w-]+)$/

/** Undefined when the text is not 32 bytes in base64. @see RFC 5869 */
export function sealingKey(owner: KeyOwner, base64: Sensitive): SealingKey | undefined {
  const text = base64.reveal()
  const material = Buffer.from(text, 'base64')
  if (material.length !== keyBytes || material.toString('base64') !== text) return undefined
  // Key objects, because Node finds out by an exception that bytes are none: that takes longer than what is done with them.
  const whole = createSecretKey(material)
  const id = Buffer.from(hkdfSync('sha256', whole, '', `${context}/key-id`, 8)).toString('hex')
  const secret = createSecretKey(new Uint8Array(hkdfSync('sha256', whole, '', `${context}/seal`, keyBytes)))
  return { owner, id, secret: new Sensitive(secret) }
}

/** A new key in base64. */
export function newKey(): Sensitive {
  return new Sensitive(randomBytes(keyBytes).toString('base64'))
}

/**
 * Tokens under AES-256-GCM with a random nonce: `v1.OWNER.KEYID.` and nonce, ciphertext and tag in
 * base64url. Under one key 2³² of them are safe, which is a refresh each second for a century.
 */
export function seal(tokens: RotatedTokens, subject: SealedSubject, key: SealingKey): string {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key.secret.reveal(), nonce, { authTagLength: tagBytes })
  cipher.setAAD(boundTo(subject))
  const plain = JSON.stringify(encodeTokens(tokens, (value) => value.reveal()).reveal())
  const sealed = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `v1.${key.owner}.${key.id}.${sealed.toString('base64url')}`
}

/** The key that a sealed text wants; undefined when the text is none. */
export function keyNameOf(sealed: string): KeyName | undefined {
  const [, owner, id = ''] = sealedPattern.exec(sealed) ?? []
  return owner === 'document' || owner === 'operator' ? { owner, id } : undefined
}

/** `OWNER/KEYID` of the key that a sealed text wants; undefined when the text is none. */
export function sealedWith(sealed: string): string | undefined {
  const name = keyNameOf(sealed)
  return name && keyText(name)
}

/** How a key is named beside what it has sealed. Put together whole, so that it keeps nothing that it was read from. */
export function keyText({ owner, id }: KeyName): string {
  return [owner, id].join('/')
}

/** Undefined when the text is damaged, or of another subject. The key must be the one it names. */
export function unseal(sealed: string, subject: SealedSubject, key: SealingKey): RotatedTokens | undefined {
  const content = Buffer.from(sealedPattern.exec(sealed)?.[3] ?? '', 'base64url')
  if (content.length < nonceBytes + tagBytes) return undefined
  const decipher = createDecipheriv('aes-256-gcm', key.secret.reveal(), content.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  })
  decipher.setAAD(boundTo(subject))
  decipher.setAuthTag(content.subarray(-tagBytes))
  const opened = decipher.update(content.subarray(nonceBytes, -tagBytes))
  return isWhole(() => decipher.final()) ? decodeTokens(JSON.parse(opened.toString('utf8'))) : undefined
}

/** The tag does not fit: the only thing that can be wrong at the end of a stream cipher. */
function isWhole(finish: () => void): boolean {
  try {
    finish()
    return true
  } catch {
    return false
  }
}

function boundTo({ uid, fingerprint }: SealedSubject): Buffer {
  return Buffer.from(JSON.stringify([context, uid, fingerprint]))
}
