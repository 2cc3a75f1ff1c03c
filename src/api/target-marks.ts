import * as z from 'zod'
import { apiGroup, targetLabels } from '../domain/names.ts'
import { constrained, type Rule } from './rule.ts'
import { mapOf } from './scalars.ts'

const namePattern =
  '^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'
const reservedPattern = `^([^/]*[.])?(${apiGroup.replaceAll('.', '[.]')}|kubernetes[.]io|k8s[.]io)/`
const allowedPrefix = 'app.kubernetes.io/'
const longestName = 253

type Names = Readonly<Record<string, string>>

/** @see https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
const named: Rule<Names> = {
  cel: `self.all(name, name.size() <= ${longestName} && name.matches('${namePattern}'))`,
  message: 'must have names as Kubernetes reads them, of at most 253 characters, such as team or example.com/team',
  holds: (marks) =>
    Object.keys(marks).every((name) => name.length <= longestName && new RegExp(namePattern).test(name)),
}

/** These mean something to the cluster or to the operator: none of them is to come out of a spec. */
const unreserved: Rule<Names> = {
  cel:
    `self.all(name, !name.matches('${reservedPattern}') || ` +
    `(name.startsWith('${allowedPrefix}') && name != '${targetLabels.managedBy}'))`,
  message: `must not have names of ${apiGroup}, kubernetes.io and k8s.io, but for those of app.kubernetes.io, nor ${targetLabels.managedBy}`,
  holds: (marks) => Object.keys(marks).every((name) => !isReserved(name)),
}

function isReserved(name: string): boolean {
  if (!new RegExp(reservedPattern).test(name)) return false
  return !name.startsWith(allowedPrefix) || name === targetLabels.managedBy
}

const labelValue = z
  .string()
  .max(63)
  .regex(
    /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/,
    'must be letters, digits and any of - _ . between them, or empty',
  )

export const targetMarks = {
  labels: constrained(mapOf(labelValue, 16), named, unreserved)
    .describe(
      'Labels that the Secret gets, at most 16; without a cluster they have no effect. Not with the creation policy Merge. Default: none.',
    )
    .optional(),
  annotations: constrained(mapOf(z.string().max(1024), 16), named, unreserved)
    .describe(
      'Annotations that the Secret gets, at most 16; without a cluster they have no effect. Not with the creation policy Merge. Default: none.',
    )
    .optional(),
}

/** On a Secret that somebody else made, they could take the place of its owner's. */
export function notWithMerge(
  field: keyof typeof targetMarks,
): Rule<{ readonly [K in typeof field | 'creationPolicy']?: unknown }> {
  return {
    cel: `!has(self.${field}) || self.creationPolicy != 'Merge'`,
    message: 'must not be with the creation policy Merge',
    field,
    holds: (target) => target[field] === undefined || target.creationPolicy !== 'Merge',
  }
}
