import type { CredentialSpec } from './credential.ts'
import type { CredentialState } from './credential-state.ts'

/**
 * What is remembered of a credential, as far as it speaks of the grant that its spec has by now. Under another grant
 * an earlier failure says nothing any more, and what only a refresh token has is not told of who has none. What
 * stands in the target stays known, so that it is replaced and never lost.
 */
export function stateUnderGrant(state: CredentialState, { grant }: Pick<CredentialSpec, 'grant'>): CredentialState {
  const isSame = (state.grant ?? 'RefreshToken') === grant
  if (isSame) return grant === 'RefreshToken' ? state : withoutRefreshToken(state)
  const { grant: _former, lastFailure: _failure, storeVersion: _read, ...rest } = withoutRefreshToken(state)
  return { ...rest, consecutiveFailures: 0, ...(grant !== 'RefreshToken' && { grant }) }
}

function withoutRefreshToken(state: CredentialState): CredentialState {
  const {
    refreshTokenExpiresAt: _none,
    refreshTokenExpiryIsFixed: _nor,
    loginUsedAt: _login,
    loginReplacedAt: _replaced,
    rotates: _never,
    ...rest
  } = state
  return rest
}
