import { conditionOf } from '../../src/domain/conditions.ts'
import type { CredentialState } from '../../src/domain/credential-state.ts'

type Problem = (state: CredentialState) => string | undefined

const problems: readonly Problem[] = [
  ({ conditions }) =>
    new Set(conditions.map(({ type }) => type)).size === conditions.length ? undefined : 'a condition is there twice',
  ({ conditions }) => (conditionOf(conditions, 'Ready') === undefined ? 'Ready is absent' : undefined),
  ({ conditions }) =>
    conditionOf(conditions, 'Stalled') !== undefined && conditionOf(conditions, 'Reconciling') !== undefined
      ? 'it is both stalled and reconciling'
      : undefined,
  ({ conditions }) =>
    conditions.some(({ type, status }) => (type === 'Stalled' || type === 'Reconciling') && status !== 'True')
      ? 'Stalled or Reconciling is there and not true'
      : undefined,
  ({ conditions, accessTokenExpiresAt }) =>
    conditionOf(conditions, 'Ready')?.status === 'True' && accessTokenExpiresAt === undefined
      ? 'it is ready without an access token'
      : undefined,
  ({ conditions }) =>
    conditions.some(({ reason, message }) => reason === '' || message === '') ? 'a reason is missing' : undefined,
]

/** What in a status contradicts itself; undefined when nothing does. */
export function conditionProblem(state: CredentialState): string | undefined {
  for (const problem of problems) {
    const found = problem(state)
    if (found !== undefined) return found
  }
  return undefined
}
