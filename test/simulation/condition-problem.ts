import { conditionOf } from '../../src/domain/conditions.ts'
import type { CredentialState } from '../../src/domain/credential-state.ts'

/** What in a status contradicts itself; undefined when nothing does. */
export function conditionProblem({ conditions, accessTokenExpiresAt, refreshes }: CredentialState): string | undefined {
  const types = new Set(conditions.map(({ type }) => type))
  const ready = conditionOf(conditions, 'Ready')
  const stalled = conditionOf(conditions, 'Stalled')
  const reconciling = conditionOf(conditions, 'Reconciling')
  if (types.size !== conditions.length) return 'a condition is there twice'
  if (ready === undefined) return 'Ready is absent'
  if (stalled !== undefined && reconciling !== undefined) return 'it is both stalled and reconciling'
  if ((stalled ?? reconciling)?.status === 'False') return 'Stalled or Reconciling is there and false'
  if (ready.status === 'True' && accessTokenExpiresAt === undefined) return 'it is ready without an access token'
  if (conditions.some(({ reason, message }) => reason === '' || message === '')) return 'a reason is missing'
  return refreshes < 0 ? 'it counts less than no refreshes' : undefined
}
