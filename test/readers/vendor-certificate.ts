import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Certificate, createAuthority, issueCertificate } from '../servers/certificates.ts'

/** A certificate for the loopback address and for names that are asked by way of a proxy. */
export interface VendorCertificate {
  /** File of the authority that a program has to trust. */
  readonly authorityFile: string
  readonly certificate: Certificate
  remove(): void
}

export async function issueVendorCertificate(names: readonly string[] = []): Promise<VendorCertificate> {
  const directory = mkdtempSync(join(tmpdir(), 'oauth-credential-operator-vendor-'))
  const authority = await createAuthority(join(directory, 'ca'), 'vendor')
  const alternativeNames = ['IP:127.0.0.1', ...names.map((name) => `DNS:${name}`)]
  const certificate = await issueCertificate(
    join(directory, 'vendor'),
    { commonName: 'vendor', alternativeNames },
    authority,
  )
  return { authorityFile: authority.certFile, certificate, remove: () => rmSync(directory, { recursive: true }) }
}
