import type { Referent } from '../domain/observed.ts'
import type { ProviderDraft } from '../domain/provider-draft.ts'
import { completed, type Preset, type UsableProvider } from '../domain/provider-inheritance.ts'
import type { Provider } from '../domain/provider.ts'
import { type Referred, referentKey } from './resource-identity.ts'

interface Completed {
  readonly preset: Referred | undefined
  readonly provider: UsableProvider
}

type Manifests = ReadonlyMap<string, Referred>

/** Providers as credentials find them. Each is worked out once, until it or its preset is another one. */
export class InheritedProviders {
  readonly #completed = new WeakMap<ProviderDraft, Completed>()

  /** What is usable of a manifest; `manifests` has the presets. */
  usable(found: Referred | undefined, manifests: Manifests): Referent<Provider> {
    switch (found?.type) {
      case 'provider':
        return { kind: 'found', value: found.provider }
      case 'provider-draft':
        return this.#complete(found.draft, manifests)
      case 'invalid-provider':
        return { kind: 'invalid', referent: found.referent }
      default:
        return { kind: 'missing' }
    }
  }

  #complete(draft: ProviderDraft, manifests: Manifests): UsableProvider {
    const { presetRef } = draft
    const preset = presetRef === undefined ? undefined : manifests.get(presetKey(presetRef.name))
    const known = this.#completed.get(draft)
    if (known !== undefined && known.preset === preset) return known.provider
    const provider = completed(draft, presetOf(preset))
    this.#completed.set(draft, { preset, provider })
    return provider
  }
}

/** Keys of the providers that inherit from the one with this key. */
export function heirsOf(key: string, manifests: Manifests): readonly string[] {
  return [...manifests].filter(([, resource]) => presetKeyOf(resource) === key).map(([heir]) => heir)
}

function presetKeyOf(resource: Referred): string | undefined {
  if (resource.type !== 'provider-draft') return undefined
  const { presetRef } = resource.draft
  return presetRef === undefined ? undefined : presetKey(presetRef.name)
}

function presetKey(name: string): string {
  return referentKey('ClusterOAuthProvider', undefined, name)
}

function presetOf(manifest: Referred | undefined): Preset {
  switch (manifest?.type) {
    case 'provider': {
      const { kind, name, generation, ...spec } = manifest.provider
      return { kind: 'found', value: { kind, name, generation, spec } }
    }
    case 'provider-draft':
      return { kind: 'found', value: manifest.draft }
    case 'invalid-provider':
      return { kind: 'invalid', referent: manifest.referent }
    default:
      return { kind: 'missing' }
  }
}
