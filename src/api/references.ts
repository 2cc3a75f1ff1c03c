import * as z from 'zod'
import { atMostOneOf, constrained } from './rule.ts'
import { dataKey, objectName } from './scalars.ts'

/** Where a Secret is looked for; part of several descriptions. */
export const secretPlace =
  'The Secret is in the namespace of this object; for cluster-scoped kinds it is in the namespace of the operator.'

/** One key of one Secret; `what` says what its value is. */
export function secretKeyRef(what: string) {
  return z
    .strictObject({
      name: objectName.describe('Name of the Secret.'),
      key: dataKey.describe("Key of the Secret's data."),
    })
    .meta({ description: `${what} ${secretPlace}`, 'x-kubernetes-map-type': 'atomic' })
}

const caBundle = constrained(z.string().min(1).max(65_536), {
  cel: "self.contains('-----BEGIN CERTIFICATE-----') && !self.contains('PRIVATE KEY-----')",
  message: 'must be PEM certificates, and must not hold a private key',
  holds: (value) => value.includes('-----BEGIN CERTIFICATE-----') && !value.includes('PRIVATE KEY-----'),
})

/** Which certificates a server may show. `tls`, optional. */
export const tlsTrust = constrained(
  z.strictObject({
    caBundle: caBundle
      .describe('Certificate authorities to trust beside the public ones, PEM. Default: none.')
      .optional(),
    caBundleSecretRef: secretKeyRef('Secret key that holds certificate authorities as PEM.').optional(),
  }),
  atMostOneOf('caBundle', 'caBundleSecretRef'),
)
  .describe('Trust in the TLS certificate of the server. Default: public certificate authorities only.')
  .optional()

export type TlsTrustManifest = z.output<typeof tlsTrust>
