import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  type KeyObject,
  type KeyPairKeyObjectResult,
} from 'node:crypto'

/** A certificate with its key, both PEM. */
export interface TestCertificate {
  readonly cert: string
  readonly key: string
}

/** A certificate authority of the test's own; signs for 127.0.0.1 and localhost. */
export class TestAuthority {
  readonly #name: Buffer
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  /** PEM of the trust anchor. */
  readonly ca: string

  constructor(commonName: string) {
    this.#name = distinguishedName(commonName)
    const authority = extension('551d13', sequence(boolean(true)))
    this.ca = this.#certify(this.#name, this.#keys.publicKey, authority)
  }

  /** `days`: from when to when it is valid, counted from now. `keys`: of the one that it is for. */
  issue(
    commonName = 'localhost',
    days: readonly [number, number] = [-1, 1],
    { publicKey, privateKey }: KeyPairKeyObjectResult = generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ): TestCertificate {
    const names = sequence(tagged(0x87, Buffer.from([127, 0, 0, 1])), tagged(0x82, Buffer.from('localhost')))
    const cert = this.#certify(distinguishedName(commonName), publicKey, extension('551d11', names), days)
    return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
  }

  /** RFC 5280 §4.1. */
  #certify(
    subject: Buffer,
    publicKey: KeyObject,
    extensions: Buffer,
    [from, to]: readonly [number, number] = [-1, 1],
  ): string {
    const body = sequence(
      tagged(0xa0, integer(Buffer.from([2]))),
      integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
      ecdsaWithSha256,
      this.#name,
      sequence(utcTime(from), utcTime(to)),
      subject,
      publicKey.export({ type: 'spki', format: 'der' }),
      tagged(0xa3, sequence(extensions)),
    )
    const signature = sign('sha256', body, this.#keys.privateKey)
    return pem(sequence(body, ecdsaWithSha256, tagged(0x03, Buffer.concat([Buffer.from([0]), signature]))))
  }
}

/** 1.2.840.10045.4.3.2 */
const ecdsaWithSha256 = sequence(tagged(0x06, Buffer.from('2a8648ce3d040302', 'hex')))

function distinguishedName(commonName: string): Buffer {
  const type = tagged(0x06, Buffer.from('550403', 'hex'))
  return sequence(tagged(0x31, sequence(type, tagged(0x0c, Buffer.from(commonName)))))
}

function extension(oid: string, value: Buffer): Buffer {
  return sequence(tagged(0x06, Buffer.from(oid, 'hex')), tagged(0x04, value))
}

function utcTime(days: number): Buffer {
  const iso = new Date(Date.now() + days * 86_400_000).toISOString()
  return tagged(0x17, Buffer.from(`${iso.slice(2, 19).replace(/[-:T]/g, '')}Z`))
}

function boolean(value: boolean): Buffer {
  return tagged(0x01, Buffer.from([value ? 0xff : 0]))
}

function integer(value: Buffer): Buffer {
  return tagged(0x02, value)
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts))
}

/** DER, X.690 §8.1: tag, length, content. */
function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content])
  if (length < 0x100) return Buffer.concat([Buffer.from([tag, 0x81, length]), content])
  return Buffer.concat([Buffer.from([tag, 0x82, length >> 8, length & 0xff]), content])
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

/** RSA keys of 16384 bits whose numbers are none: nobody finds primes for them in a test, and signing takes as long. */
export function overlongRsaKeys(): KeyPairKeyObjectResult {
  const odd = (bytes: number): Buffer => Buffer.concat([Buffer.from([0xff]), randomBytes(bytes - 2), Buffer.from([1])])
  const [p, q] = [odd(1024), odd(1024)]
  const product = BigInt(`0x${p.toString('hex')}`) * BigInt(`0x${q.toString('hex')}`)
  const n = Buffer.from(product.toString(16), 'hex').toString('base64url')
  const jwk = { kty: 'RSA', n, e: 'AQAB' }
  const text = (bytes: number): string => odd(bytes).toString('base64url')
  const factors = { p: p.toString('base64url'), q: q.toString('base64url') }
  const exponents = { d: text(2047), dp: text(1023), dq: text(1023), qi: text(1023) }
  const privateKey = createPrivateKey({ key: { ...jwk, ...factors, ...exponents }, format: 'jwk' })
  return { publicKey: createPublicKey({ key: jwk, format: 'jwk' }), privateKey }
}
