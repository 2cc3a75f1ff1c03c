import type { DescribeSecretCommandOutput } from '@aws-sdk/client-secrets-manager'
import { continues, successorOf } from './successor.ts'

/** The label of the version that everybody else reads. */
export const currentStage = 'AWSCURRENT'

/** A secret without its value: where its labels are, and what AWS is going to do with it. */
export interface SecretStanding {
  /** Undefined when no version has the label. */
  readonly currentId: string | undefined
  /** Ids of the versions that have a label. Those of ours that matter do. */
  readonly labelled: ReadonlySet<string>
  /** Why a refresh token there would be lost by itself: the end of a sentence that begins with the document's name. */
  readonly unfitness: string | undefined
}

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html */
export function standingOf(description: DescribeSecretCommandOutput): SecretStanding {
  const stages = Object.entries(description.VersionIdsToStages ?? {})
  return {
    currentId: stages.find(([, labels]) => labels.includes(currentStage))?.[0],
    labelled: new Set(stages.map(([id]) => id)),
    unfitness: unfitnessOf(description),
  }
}

/**
 * True when nobody is known to have written since `versionId`. Descriptions lag: one in which the
 * label is still on an earlier version of the operator's own line says nothing against it.
 */
export function isNewest(versionId: string, { currentId, labelled }: SecretStanding): boolean {
  if (currentId === undefined || labelled.has(successorOf(versionId))) return false
  return continues(currentId, versionId)
}

function unfitnessOf({ DeletedDate, RotationEnabled, PrimaryRegion, ARN = '' }: DescribeSecretCommandOutput) {
  if (DeletedDate !== undefined) return `is scheduled for deletion (DeletedDate ${DeletedDate.toISOString()})`
  if (RotationEnabled === true) {
    return 'has automatic rotation (RotationEnabled true), so a rotation function writes there too'
  }
  // arn:aws:secretsmanager:<region>:…
  const region = ARN.split(':')[3]
  if (PrimaryRegion === undefined || region === undefined || PrimaryRegion === region) return undefined
  return `is a replica in ${region} of the secret in ${PrimaryRegion} (PrimaryRegion), and only that one can be written`
}
