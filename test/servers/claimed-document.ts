import { expect } from 'vitest'
import { claimMember } from '../../src/domain/document-claim.ts'
import type { OperatorBed } from './operator-bed.ts'

export type JsonDocument = Readonly<Record<string, unknown>>

/** A document without the operator's member, which says whose its tokens are. */
export function unclaimed({ [claimMember]: _claims, ...rest }: JsonDocument): JsonDocument {
  return rest
}

/** That the claims of a document name this credential of this cluster for the token there, and nobody else. */
export async function expectClaimed(
  bed: OperatorBed,
  document: JsonDocument,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  pointer = '/refresh_token',
): Promise<void> {
  const { metadata } = await bed.credential(namespace, name)
  const installation = await installationOf(bed)
  const owner = {
    id: `${installation}/${metadata.uid}`,
    name: `OAuthCredential ${namespace}/${name} of installation ${installation}`,
  }
  const { key, owners } = claimsOf(document)
  expect(key).toMatch(/^[A-Za-z0-9+/]{43}=$/)
  expect(owners).toEqual({ [pointer]: expect.objectContaining(owner) as object })
}

/** What makes a cluster another one than all others. */
export async function installationOf(bed: OperatorBed): Promise<string> {
  const { json } = await bed.cluster.request('GET', '/api/v1/namespaces/kube-system')
  return (json['metadata'] as { readonly uid: string }).uid
}

/** Documents whose values are all strings hold it as text. */
function claimsOf({ [claimMember]: claims }: JsonDocument): { readonly key: string; readonly owners: object } {
  return (typeof claims === 'string' ? JSON.parse(claims) : claims) as ReturnType<typeof claimsOf>
}
