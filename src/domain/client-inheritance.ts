import { present } from './present.ts'
import { uses } from './provider-completeness.ts'
import type { ClientDraft, ProviderDraft, ProviderSpec } from './provider-draft.ts'

/**
 * A preset is written for the cluster, and its Secrets are the operator's. A namespace that could have
 * them used would only have to name an endpoint of its own to be sent them.
 */
export function lends({ kind }: ProviderDraft): boolean {
  return kind === 'ClusterOAuthProvider'
}

/**
 * The client of a provider with a preset. Of the preset it has only what serves the method that is used
 * in the end, and Secrets only when the client and the server are the preset's too.
 */
export function inheritedClient(draft: ProviderDraft, { client: base = {} }: ProviderSpec): ClientDraft {
  const { client: own = {} } = draft.spec
  const method = { ...authentication(base), ...authentication(own) }
  const isLent = lends(draft) && hasNoEndpoint(draft.spec) && isSameClient(own, base)
  return {
    ...present({ id: base.id }),
    ...method,
    ...(isLent && lentProof(method, base)),
    ...own,
    ...signature(method, own, isLent ? base : withoutKey(base)),
  }
}

function authentication({ authentication: method }: ClientDraft): Pick<ClientDraft, 'authentication'> {
  return present({ authentication: method })
}

function lentProof(method: ClientDraft, { secretRef, certificateSecretName }: ClientDraft): ClientDraft {
  if (uses(method, 'secretRef')) return present({ secretRef })
  return uses(method, 'certificateSecretName') ? present({ certificateSecretName }) : {}
}

/** The id of a key belongs to the key. */
function signature(method: ClientDraft, own: ClientDraft, base: ClientDraft): Pick<ClientDraft, 'assertion'> {
  if (!uses(method, 'assertion')) return {}
  const inherited = own.assertion?.keyRef === undefined ? base : withoutKey(base)
  return { assertion: { ...inherited.assertion, ...own.assertion } }
}

function withoutKey({ assertion }: ClientDraft): ClientDraft {
  const { keyRef: _, keyId: __, ...rest } = assertion ?? {}
  return { assertion: rest }
}

function hasNoEndpoint(spec: ProviderSpec): boolean {
  const { issuer, tokenEndpoint, refreshEndpoint, revocationEndpoint, introspection } = spec
  return [issuer, tokenEndpoint, refreshEndpoint, revocationEndpoint, introspection?.endpoint].every(
    (endpoint) => endpoint === undefined,
  )
}

function isSameClient(own: ClientDraft, base: ClientDraft): boolean {
  return own.id === undefined || base.id === undefined || own.id === base.id
}
