import type { Referent } from './observed.ts'
import { inheritedClient, lends } from './client-inheritance.ts'
import { completenessProblems, withDefaults } from './provider-completeness.ts'
import type { ProviderDraft, ProviderSpec } from './provider-draft.ts'
import { filledIn } from './provider-template.ts'
import { type Provider, providerText, type RequestForm } from './provider.ts'
import { problemList } from './referents.ts'
import type { Problem } from './resources.ts'
import { present } from './present.ts'

/** What `presetRef` names. */
export type Preset = Exclude<Referent<ProviderDraft>, { kind: 'none' }>

/** What credentials that name a provider find. */
export type UsableProvider = Exclude<Referent<Provider>, { kind: 'none' | 'missing' }>

/**
 * A provider as credentials use it: member by member what it says, else what its preset says, else the
 * default. `preset` is what `presetRef` names.
 *
 * Invalid, with every problem that was found, when something is missing then, when its preset cannot be
 * used, or when that has a preset itself.
 */
export function completed(draft: ProviderDraft, preset: Preset): UsableProvider {
  if (draft.presetRef === undefined) return judged(draft, undefined, [])
  const base = usablePreset(draft.presetRef.name, preset)
  if ('message' in base) return invalid(draft, [base])
  const merged: ProviderDraft = { ...draft, spec: inherited(draft, base) }
  return judged(merged, base, notLent(draft, base))
}

function judged(draft: ProviderDraft, base: ProviderDraft | undefined, before: readonly Problem[]): UsableProvider {
  const filled = filledIn(draft, base)
  const problems = [...before, ...filled.problems, ...missing(draft, base)]
  if (problems.length > 0) return invalid(draft, problems)
  return { kind: 'found', value: withDefaults({ ...draft, spec: filled.spec }, generationOf(draft, base)) }
}

/** Another number whenever one of the two has one: what is only ever compared with what it was before. */
function generationOf({ generation }: ProviderDraft, base: ProviderDraft | undefined): number {
  return base === undefined ? generation : generation * 2 ** 20 + base.generation
}

/** A preset that may be inherited from, or what is wrong with the reference to it. */
function usablePreset(name: string, preset: Preset): ProviderDraft | Problem {
  const text = `ClusterOAuthProvider ${name}`
  const problem = (message: string): Problem => ({ field: 'spec.presetRef.name', message })
  if (preset.kind === 'missing') return problem(`is ${text}, which does not exist`)
  if (preset.kind === 'invalid') {
    return problem(`is ${text}, which is invalid: ${problemList(preset.referent.problems)}`)
  }
  if (preset.value.presetRef === undefined) return preset.value
  return problem(`must name a provider without presetRef: ${text} has one itself, and presets go one level deep`)
}

function missing(draft: ProviderDraft, base: ProviderDraft | undefined): readonly Problem[] {
  const problems = completenessProblems(draft.spec)
  const lastMissing = problems.findLast(isMissing)
  return problems.map((problem) => ({
    field: problem.field,
    message: `${problem.message}${isMissing(problem) ? missingHint(draft, base, problem === lastMissing) : ''}`,
  }))
}

function isMissing({ message }: Problem): boolean {
  return message.startsWith('is required')
}

/** How presets are used is told once, behind the last of the fields that are missing. */
function missingHint({ kind }: ProviderDraft, base: ProviderDraft | undefined, isLast: boolean): string {
  if (base !== undefined) return `; it does not come from ${providerText(base)}`
  if (kind === 'OAuthProvider' || !isLast) return ''
  return '; a preset is used through a provider that names it in spec.presetRef and says the rest'
}

/** A Secret in the operator's namespace that an inherited setting rests on, and that is not for a namespace to use. */
function notLent(draft: ProviderDraft, base: ProviderDraft): readonly Problem[] {
  const isTrustMissing = !lends(draft) && draft.spec.tls === undefined && base.spec.tls?.caBundleSecretRef !== undefined
  const message = `must be given here: the Secret that ${providerText(base)} names in its tls is not for a namespace to use`
  return isTrustMissing ? [{ field: 'spec.tls', message }] : []
}

function inherited(draft: ProviderDraft, { spec: base }: ProviderDraft): ProviderSpec {
  const own = draft.spec
  return {
    ...scalars(base),
    ...scalars(own),
    ...present({ tls: own.tls ?? lentTrust(draft, base) }),
    ...endpoints(own, base),
    client: inheritedClient(draft, base),
    request: request(own, base),
    response: { ...base.response, ...own.response },
    rotation: { ...base.rotation, ...own.rotation },
    refreshTokenLifetime: { ...base.refreshTokenLifetime, ...own.refreshTokenLifetime },
    limits: { ...base.limits, ...own.limits },
  }
}

function scalars({ accessTokenLifetimeSeconds, minimumRefreshIntervalSeconds }: ProviderSpec): ProviderSpec {
  return present({ accessTokenLifetimeSeconds, minimumRefreshIntervalSeconds })
}

function lentTrust(draft: ProviderDraft, { tls }: ProviderSpec): ProviderSpec['tls'] {
  return lends(draft) || tls?.caBundleSecretRef === undefined ? tls : undefined
}

function request({ request: own = {} }: ProviderSpec, { request: base = {} }: ProviderSpec): Partial<RequestForm> {
  return {
    ...base,
    ...own,
    parameters: { ...base.parameters, ...own.parameters },
    headers: headers(own.headers ?? {}, base.headers ?? {}),
  }
}

/**
 * Whoever names another issuer or token endpoint has another server: none of the preset's endpoints is
 * kept beside it, or tokens of one server would be sent to the other.
 */
function endpoints(own: ProviderSpec, base: ProviderSpec): ProviderSpec {
  const kept = own.issuer !== undefined || own.tokenEndpoint !== undefined ? {} : base
  const isAsked = own.introspection !== undefined || kept.introspection !== undefined
  return {
    ...present({
      issuer: own.issuer ?? kept.issuer,
      tokenEndpoint: own.tokenEndpoint ?? kept.tokenEndpoint,
      refreshEndpoint: own.refreshEndpoint ?? kept.refreshEndpoint,
      revocationEndpoint: own.revocationEndpoint ?? kept.revocationEndpoint,
    }),
    ...(isAsked && { introspection: { ...kept.introspection, ...own.introspection } }),
  }
}

type Headers = Readonly<Record<string, string>>

/** Names of headers are the same in any case (RFC 9110 §5.1). */
function headers(own: Headers, base: Headers): Headers {
  const given = new Set(Object.keys(own).map((name) => name.toLowerCase()))
  const kept = Object.entries(base).filter(([name]) => !given.has(name.toLowerCase()))
  return { ...Object.fromEntries(kept), ...own }
}

function invalid({ name, namespace }: ProviderDraft, problems: readonly Problem[]): UsableProvider {
  return { kind: 'invalid', referent: { name, ...present({ namespace }), problems } }
}
