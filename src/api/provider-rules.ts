import { parseGoDuration } from '../domain/duration.ts'
import {
  assertionSigned,
  clientKnown,
  type CompletenessRule,
  defaultAuthentication,
  endpointKnown,
  introspectionKnown,
  type Proof,
  proofNames,
  proofPresent,
  proofs,
  proofUsed,
  type ProviderOutline,
} from '../domain/provider-completeness.ts'
import { hostForms } from '../domain/provider-template.ts'
import type { Rule } from './rule.ts'

/** What the rules look at, whatever stands there. */
export interface WrittenProvider extends ProviderOutline {
  readonly presetRef?: unknown
  readonly refreshEndpoint?: unknown
  readonly revocationEndpoint?: unknown
  readonly rotation?: { readonly leewayKind?: unknown; readonly reuseLeeway?: unknown } | undefined
  readonly variables?: Readonly<Record<string, { readonly form?: unknown } | undefined>> | undefined
}

type ProviderRule = Rule<WrittenProvider>

/** When a member that is absent may come from elsewhere, as CEL and as a function. */
interface Openness {
  readonly cel: string
  readonly holds: (provider: WrittenProvider) => boolean
}

const withPreset: Openness = { cel: 'has(self.presetRef)', holds: ({ presetRef }) => presetRef !== undefined }
const always: Openness = { cel: 'true', holds: () => true }

const templates = {
  issuer: ({ issuer }) => issuer,
  tokenEndpoint: ({ tokenEndpoint }) => tokenEndpoint,
  refreshEndpoint: ({ refreshEndpoint }) => refreshEndpoint,
  revocationEndpoint: ({ revocationEndpoint }) => revocationEndpoint,
  'introspection.endpoint': ({ introspection }) => introspection?.endpoint,
} as const satisfies Record<string, (provider: WrittenProvider) => unknown>

const celName = 'text.substring(1, text.size() - 1)'
const celDeclared = `has(self.variables) && ${celName} in self.variables`

/** A namespaced provider is complete, unless it has a preset that may give what is missing. */
export const namespacedRules: readonly ProviderRule[] = [
  unlessOpen(endpointKnown, 'has(self.tokenEndpoint) || has(self.issuer)'),
  unlessOpen(introspectionKnown, '!has(self.introspection) || has(self.introspection.endpoint) || has(self.issuer)'),
  unlessOpen(clientKnown, 'has(self.client) && has(self.client.id)'),
  unlessOpen(assertionSigned, '!has(self.client) || !has(self.client.assertion) || has(self.client.assertion.keyRef)'),
  ...proofNames.map((proof) =>
    unlessOpen(proofPresent(proof), `!has(self.client) || !${celUses(proof)} || has(self.client.${proof})`),
  ),
  ...ownRules(withPreset),
]

/** A provider for the cluster may be a preset: it may leave everything open. */
export const clusterRules: readonly ProviderRule[] = [...ownRules(always), ...templateRules()]

function unlessOpen({ field, message, holds }: CompletenessRule, cel: string): ProviderRule {
  return {
    cel: `${withPreset.cel} || (${cel})`,
    message,
    field,
    holds: (provider) => withPreset.holds(provider) || holds(provider),
  }
}

/** What no preset can make right. */
function ownRules(open: Openness): readonly ProviderRule[] {
  return [...proofNames.map((proof) => onlyUsedProof(proof, open)), leewayOfItsKind(open)]
}

function onlyUsedProof(proof: Proof, open: Openness): ProviderRule {
  const { field, message, holds } = proofUsed(proof)
  return {
    cel: `!has(self.client) || !has(self.client.${proof}) || (!has(self.client.authentication) && ${open.cel}) || ${celUses(proof)}`,
    message,
    field,
    holds: (provider) => (provider.client?.authentication === undefined && open.holds(provider)) || holds(provider),
  }
}

function celUses(proof: Proof): string {
  const methods = proofs[proof].map((method) => `'${method}'`).join(', ')
  const method = `(has(self.client.authentication) ? self.client.authentication : '${defaultAuthentication}')`
  return `(${method} in [${methods}])`
}

function leewayOfItsKind(open: Openness): ProviderRule {
  return {
    cel:
      "!has(self.rotation) || !has(self.rotation.leewayKind) || self.rotation.leewayKind == 'SameToken' || " +
      `(has(self.rotation.reuseLeeway) ? duration(self.rotation.reuseLeeway) > duration('0s') : ${open.cel})`,
    message: 'is only for a reuseLeeway above 0s',
    field: 'rotation.leewayKind',
    holds: (provider) => {
      const { leewayKind, reuseLeeway } = provider.rotation ?? {}
      if (leewayKind !== 'PreviousGeneration') return true
      return typeof reuseLeeway === 'string' ? parseGoDuration(reuseLeeway) !== 0 : open.holds(provider)
    },
  }
}

function templateRules(): readonly ProviderRule[] {
  return Object.entries(templates).flatMap(([field, endpointOf]) => [
    {
      cel: `${celAbsent(field)} || self.${field}.findAll('[{][a-zA-Z0-9]+[}]').all(text, ${celDeclared})`,
      message: 'must have no names in braces but those of variables',
      field,
      holds: (provider: WrittenProvider) =>
        namesIn(endpointOf(provider)).every((name) => variableOf(provider, name) !== undefined),
    },
    {
      cel:
        `${celAbsent(field)} || self.${field}.find('^https?://[^/]*').findAll('[{][a-zA-Z0-9]+[}]')` +
        `.all(text, !(${celDeclared}) || self.variables[${celName}].form in [${hostForms.map((form) => `'${form}'`).join(', ')}])`,
      message: `must have in its host only variables of the forms ${hostForms.join(', ')}`,
      field,
      holds: (provider: WrittenProvider) =>
        namesIn(hostOf(endpointOf(provider))).every((name) => isForHosts(variableOf(provider, name))),
    },
  ])
}

function celAbsent(field: string): string {
  const members = field.split('.')
  return members.map((_, index) => `!has(self.${members.slice(0, index + 1).join('.')})`).join(' || ')
}

function namesIn(text: unknown): readonly string[] {
  return typeof text === 'string' ? [...text.matchAll(/[{]([a-zA-Z0-9]+)[}]/g)].map(([, name = '']) => name) : []
}

function hostOf(text: unknown): string {
  return typeof text === 'string' ? (/^https?:\/\/[^/]*/.exec(text)?.[0] ?? '') : ''
}

function variableOf({ variables }: WrittenProvider, name: string): { readonly form?: unknown } | undefined {
  return variables !== undefined && Object.hasOwn(variables, name) ? variables[name] : undefined
}

function isForHosts(variable: { readonly form?: unknown } | undefined): boolean {
  return variable === undefined || hostForms.some((form) => form === variable.form)
}
