import * as z from 'zod'
import type { ConsumersState, WorkloadState } from '../domain/consumers-state.ts'
import { present } from '../domain/present.ts'
import type { EpochSeconds } from '../domain/time.ts'
import { workloadKinds } from '../domain/workload.ts'
import { countAt, isObject, textAt } from './json.ts'
import { objectName } from './scalars.ts'
import { decodeTime, encodeTime } from './status-time.ts'

const publicationLimit = 64
const workloadLimit = 16

function time(what: string) {
  return z.string().meta({ description: what, format: 'date-time' })
}

const publication = z.string().max(publicationLimit)

const workloadStatus = z.strictObject({
  kind: z.enum(workloadKinds).describe('Kind of the workload.'),
  name: objectName.describe('Name of the workload.'),
  publication: publication
    .describe(
      'The publication that its pods have read, as far as is known; another one than above: it is still to be restarted.',
    )
    .optional(),
  lastRestartTime: time('When the operator restarted it last.').optional(),
  waitsFor: z
    .string()
    .max(64)
    .describe(
      'Why it is not restarted yet: RestartInterval, RestartLimit, or the reason of a failure that ConsumersNotified tells.',
    )
    .optional(),
})

/** `status.consumers`: who was told of the last publication. */
export const consumersStatus = z
  .strictObject({
    publication: publication.describe('Identifies the access token and the contents that were published last.'),
    publishedTime: time('When these were first published.'),
    writtenTime: time('When the target was last written.'),
    first: z
      .boolean()
      .describe('True while it is a first publication: only who may run without the Secret is restarted for it.')
      .optional(),
    annotatedTime: time('The writtenTime that all pods are annotated with; absent unless pods are.').optional(),
    restarts: z
      .array(workloadStatus)
      .max(workloadLimit)
      .describe('The workloads of spec.target.restart.')
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .optional(),
    failures: z
      .int()
      .min(0)
      .meta({ description: 'Attempts in a row that left somebody untold.', format: 'int64' })
      .optional(),
    retryTime: time('When those who are left are told.').optional(),
  })
  .describe('Who was told of the last publication; absent where nobody is to be.')

type ConsumersStatus = z.output<typeof consumersStatus>

export function encodeConsumers(state: ConsumersState): ConsumersStatus {
  const { publication: id, publishedAt, writtenAt, isFirst, annotatedAt, restarts, failures, retryAt } = state
  return present({
    publication: id,
    publishedTime: encodeTime(publishedAt),
    writtenTime: encodeTime(writtenAt),
    first: isFirst,
    annotatedTime: optionalTime(annotatedAt),
    restarts: restarts?.map(encodeWorkload),
    failures,
    retryTime: optionalTime(retryAt),
  })
}

/** Undefined for everything that {@link encodeConsumers} does not make: then nobody is told before the next publication. */
export function decodeConsumers(written: unknown): ConsumersState | undefined {
  if (!isObject(written)) return undefined
  const id = publicationAt(written['publication'])
  const [publishedAt, writtenAt] = [decodeTime(written['publishedTime']), decodeTime(written['writtenTime'])]
  if (id === undefined || publishedAt === undefined || writtenAt === undefined) return undefined
  return present({
    publication: id,
    publishedAt,
    writtenAt,
    isFirst: written['first'] === true ? (true as const) : undefined,
    annotatedAt: decodeTime(written['annotatedTime']),
    restarts: decodeWorkloads(written['restarts']),
    failures: countAt(written['failures']),
    retryAt: decodeTime(written['retryTime']),
  })
}

function encodeWorkload({ kind, name, publication: id, restartedAt, waitsFor }: WorkloadState) {
  return present({ kind, name, publication: id, lastRestartTime: optionalTime(restartedAt), waitsFor })
}

function decodeWorkloads(written: unknown): readonly WorkloadState[] | undefined {
  if (!Array.isArray(written)) return undefined
  const states = written.slice(0, workloadLimit).flatMap((item) => decodeWorkload(item) ?? [])
  return states.length === 0 ? undefined : states
}

function decodeWorkload(written: unknown): WorkloadState | undefined {
  if (!isObject(written)) return undefined
  const kind = workloadKinds.find((each) => each === written['kind'])
  const name = objectName.safeParse(written['name']).data
  if (kind === undefined || name === undefined) return undefined
  return present({
    kind,
    name,
    publication: publicationAt(written['publication']),
    restartedAt: decodeTime(written['lastRestartTime']),
    waitsFor: textAt(written['waitsFor']),
  })
}

/** A time, a dot and hexadecimal digits: nothing that could end an entry of an annotation. */
function publicationAt(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= publicationLimit && /^[-0-9TZ:]+\.[0-9a-f]+$/.test(value)
    ? value
    : undefined
}

function optionalTime(at: EpochSeconds | undefined): string | undefined {
  return at === undefined ? undefined : encodeTime(at)
}
