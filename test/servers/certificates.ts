import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Files of a certificate and its private key, in PEM. */
export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
  readonly certPem: string
}

export interface CertificateSubject {
  readonly commonName: string
  readonly organization?: string
  /** Server names and addresses, as `DNS:localhost` or `IP:127.0.0.1`; a client certificate has none. */
  readonly alternativeNames?: readonly string[]
}

/**
 * Makes a self-signed certificate authority that lives for three days.
 * @param base path of the files without `.crt` and `.key`.
 * @throws when openssl is missing or fails.
 */
export async function createAuthority(base: string, commonName: string): Promise<Certificate> {
  await openssl([
    'req',
    '-x509',
    '-new',
    ...newKey(base),
    '-out',
    `${base}.crt`,
    '-days',
    '3',
    '-subj',
    `/CN=${commonName}`,
  ])
  return certificate(base)
}

/** Issues a certificate for a server or a client, signed by an authority. */
export async function issueCertificate(
  base: string,
  subject: CertificateSubject,
  authority: Certificate,
): Promise<Certificate> {
  const organization = subject.organization === undefined ? '' : `/O=${subject.organization}`
  await openssl([
    'req',
    '-new',
    ...newKey(base),
    '-out',
    `${base}.csr`,
    '-subj',
    `/CN=${subject.commonName}${organization}`,
  ])
  const names = subject.alternativeNames ?? []
  const usage = `extendedKeyUsage=${names.length > 0 ? 'serverAuth' : 'clientAuth'}\n`
  writeFileSync(`${base}.ext`, names.length > 0 ? `${usage}subjectAltName=${names.join(',')}\n` : usage)
  const signer = ['-CA', authority.certFile, '-CAkey', authority.keyFile, '-CAcreateserial']
  await openssl([
    'x509',
    '-req',
    '-in',
    `${base}.csr`,
    ...signer,
    '-out',
    `${base}.crt`,
    '-days',
    '3',
    '-extfile',
    `${base}.ext`,
  ])
  return certificate(base)
}

/** Writes a new P-256 private key; its public half goes to `publicFile` when one is given. */
export function writePrivateKey(keyFile: string, publicFile?: string): void {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  if (publicFile !== undefined) writeFileSync(publicFile, publicKey.export({ type: 'spki', format: 'pem' }))
}

function newKey(base: string): string[] {
  writePrivateKey(`${base}.key`)
  return ['-key', `${base}.key`, '-sha256']
}

function certificate(base: string): Certificate {
  return { certFile: `${base}.crt`, keyFile: `${base}.key`, certPem: readFileSync(`${base}.crt`, 'utf8') }
}

async function openssl(args: readonly string[]): Promise<void> {
  try {
    await run('openssl', args)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new Error('openssl is not on PATH, and test certificates are made with it: install it', { cause: error })
  }
}
