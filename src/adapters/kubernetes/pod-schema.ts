import * as z from 'zod'

/** An absent list and one that is null are empty: Go writes either. */
function listOf<S extends z.ZodType>(item: S) {
  return z
    .array(item)
    .nullish()
    .transform((list) => list ?? [])
}

const Texts = z
  .record(z.string(), z.string())
  .nullish()
  .transform((map) => map ?? {})

const Named = z.object({ name: z.string().default(''), optional: z.boolean().nullish() }).nullish()

const Container = z.object({
  restartPolicy: z.string().nullish(),
  env: listOf(z.object({ valueFrom: z.object({ secretKeyRef: Named }).nullish() })),
  envFrom: listOf(z.object({ secretRef: Named })),
  volumeMounts: listOf(
    z.object({ name: z.string(), subPath: z.string().default(''), subPathExpr: z.string().default('') }),
  ),
})

const Volume = z.object({
  name: z.string(),
  secret: z.object({ secretName: z.string().default(''), optional: z.boolean().nullish() }).nullish(),
  projected: z.object({ sources: listOf(z.object({ secret: Named })) }).nullish(),
})

const OwnerReference = z.object({ kind: z.string(), name: z.string(), controller: z.boolean().default(false) })

/** What says which Secrets a pod reads, and how. */
export const ReadingSpec = z.object({
  containers: listOf(Container),
  initContainers: listOf(Container),
  volumes: listOf(Volume),
})

export type ReadingSpec = z.infer<typeof ReadingSpec>

/** The fields of a Pod that are looked at. */
export const ReadingPod = z.object({
  metadata: z.object({
    name: z.string().min(1),
    deletionTimestamp: z.string().nullish(),
    labels: Texts,
    annotations: Texts,
    ownerReferences: listOf(OwnerReference),
  }),
  spec: ReadingSpec,
  status: z.object({ phase: z.string().default('') }).default({ phase: '' }),
})

export type ReadingPod = z.infer<typeof ReadingPod>
export type ReadingContainer = z.infer<typeof Container>
