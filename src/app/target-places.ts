import type { Credential } from '../domain/credential.ts'

/** A credential that publishes into a target, and what of it decides whose the target is. */
type Publisher = Pick<Credential, 'key' | 'deleting' | 'createdAt' | 'spec'>

/**
 * Which credentials have the same target. Of those that want it whole the oldest is first; being deleted, it is
 * first no longer. Credentials of one age are ordered by name.
 */
export class TargetPlaces {
  /** Names of credentials in the namespace, by target. */
  readonly #members = new Map<string, readonly string[]>()

  /** The names of all that have the target of this name in this namespace. */
  names(namespace: string, target: string): readonly string[] {
    return this.#members.get(placeText(namespace, target)) ?? []
  }

  /** True for the only one that has its target. */
  isAlone({ key, spec }: Publisher): boolean {
    const names = this.names(key.namespace, spec.target.name)
    return names.length === 1 && names[0] === key.name
  }

  add({ key, spec }: Publisher): void {
    const place = placeText(key.namespace, spec.target.name)
    const names = this.#members.get(place) ?? []
    if (!names.includes(key.name)) this.#members.set(place, names.concat(key.name))
  }

  remove({ key, spec }: Publisher): void {
    const place = placeText(key.namespace, spec.target.name)
    const names = (this.#members.get(place) ?? []).filter((name) => name !== key.name)
    if (names.length === 0) this.#members.delete(place)
    else this.#members.set(place, names)
  }
}

/** Names a target, among those of all namespaces. */
export function placeText(namespace: string, target: string): string {
  return `${namespace}/${target}`
}

/** True when `one` comes before `other` of those that want one target whole. */
export function comesFirst(one: Publisher, other: Publisher): boolean {
  if (one.deleting || !wantsWhole(one) || !wantsWhole(other)) return false
  return one.createdAt === other.createdAt ? one.key.name < other.key.name : one.createdAt < other.createdAt
}

function wantsWhole({ spec }: Publisher): boolean {
  return spec.target.creationPolicy !== 'Merge'
}

/** True when `one` has the target of `other`, and comes before it there. */
export function isAhead(one: Publisher | undefined, other: Publisher): boolean {
  return one !== undefined && one.spec.target.name === other.spec.target.name && comesFirst(one, other)
}
