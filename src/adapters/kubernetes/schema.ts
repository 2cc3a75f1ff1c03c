import * as z from 'zod'
import { Sensitive } from '../../domain/sensitive.ts'

const Texts = z.record(z.string(), z.string()).default({})

const ManagedFieldsEntry = z.object({
  manager: z.string().default(''),
  operation: z.string().default(''),
  subresource: z.string().default(''),
  fieldsV1: z.record(z.string(), z.unknown()).default({}),
})

/** One entry of `metadata.managedFields`: which fields a manager set last. */
export type ManagedFieldsEntry = z.infer<typeof ManagedFieldsEntry>

const OwnerReference = z.object({
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().default(false),
})

/** What identifies one state of one object. */
export const ObjectVersion = z.object({
  metadata: z.object({ uid: z.string().min(1), resourceVersion: z.string().min(1) }),
})

/** The fields of a Secret that are looked at. Values stay base64. */
export const Secret = z.object({
  metadata: z.object({
    uid: z.string().min(1),
    resourceVersion: z.string().min(1),
    deletionTimestamp: z.string().optional(),
    labels: Texts,
    annotations: Texts,
    ownerReferences: z.array(OwnerReference).default([]),
    managedFields: z.array(ManagedFieldsEntry).default([]),
  }),
  type: z.string().default('Opaque'),
  immutable: z.boolean().default(false),
  data: z.unknown().optional().transform(secretData),
})
export type Secret = z.infer<typeof Secret>

/** What a change of the finalizers has to know, and whether an object is on its way out. */
export const ObjectLife = z.object({
  metadata: z.object({
    uid: z.string().min(1),
    resourceVersion: z.string().min(1),
    finalizers: z.array(z.string()).default([]),
    deletionTimestamp: z.string().optional(),
  }),
})

/** The answer to a TokenRequest. */
export const IssuedServiceAccountToken = z.object({
  spec: z.object({ expirationSeconds: z.number().positive() }),
  status: z.object({ token: z.string().min(1), expirationTimestamp: z.iso.datetime({ offset: true }) }),
})

/** The fields of a Pod that are looked at. */
export const Pod = z.object({
  metadata: z.object({ uid: z.string().min(1) }),
  status: z.object({ phase: z.string().default('') }).default({ phase: '' }),
})

/** What a mounted ServiceAccount token says of the Pod that it was made for, unverified. */
export const OwnTokenClaims = z.object({
  'kubernetes.io': z.object({
    namespace: z.string(),
    pod: z.object({ name: z.string().min(1), uid: z.string().min(1) }),
  }),
})

/** A map, because `__proto__` is a valid key of a Secret. */
function secretData(data: unknown): ReadonlyMap<string, Sensitive> {
  const entries = typeof data === 'object' && data !== null ? Object.entries(data as Record<string, unknown>) : []
  return new Map(entries.flatMap(([key, value]) => (typeof value === 'string' ? [[key, new Sensitive(value)]] : [])))
}
