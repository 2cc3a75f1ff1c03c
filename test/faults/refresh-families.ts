import { randomBytes } from 'node:crypto'

/** One refresh token that was issued, with all that has become of it. Times are milliseconds of `performance.now`. */
export interface FamilyToken {
  readonly value: string
  /** What was presented for it; absent for the login's. */
  readonly parent?: FamilyToken
  readonly depth: number
  readonly issuedAtMs: number
  readonly children: FamilyToken[]
  /** Of each time that a successor was issued for it. */
  readonly uses: number[]
  /** When the last byte of the answer that carried it was handed to the operating system, if it was. */
  deliveredAtMs?: number
}

/** What one login has led to. */
export interface Family {
  /** The credential that it was made for. */
  readonly name: string
  readonly root: FamilyToken
  /** The one that was issued last. */
  newest: FamilyToken
  /** Set when a token was used again that must not be. */
  deadSinceMs?: number
  /** Set when it was found that no copy of a live token exists anywhere, with the reason. */
  lost?: string
}

/** How often a token that was used already may be used again. */
export type LeewayKind = 'SameToken' | 'PreviousGeneration'

export interface Leeway {
  readonly seconds: number
  readonly kind: LeewayKind
}

/** rotated: first use. again: allowed by the leeway. reuse: kills the family. dead: the family was dead. unknown: never issued. */
export type Verdict = 'rotated' | 'again' | 'reuse' | 'dead' | 'unknown'

export interface Presentation {
  readonly atMs: number
  readonly name: string
  readonly depth: number
  readonly verdict: Verdict
  /** Of the client's side of the connection. */
  readonly port: number
}

export const refreshTokenMark = 'rt0faults'
export const accessTokenMark = 'at0faults'

/** The memory of an authorization server that never forgets: every token, who followed whom, and every use. */
export class RefreshFamilies {
  readonly presentations: Presentation[] = []
  readonly #byToken = new Map<string, { readonly family: Family; readonly token: FamilyToken }>()
  readonly #current = new Map<string, Family>()
  readonly #leeway: Leeway

  constructor(leeway: Leeway = { seconds: 0, kind: 'SameToken' }) {
    this.#leeway = leeway
  }

  /** A login for a credential, whose earlier family is not followed any more. @returns its refresh token. */
  logIn(name: string): string {
    const root = newToken(undefined)
    const family: Family = { name, root, newest: root }
    this.#byToken.set(root.value, { family, token: root })
    this.#current.set(name, family)
    return root.value
  }

  current(name: string): Family {
    const family = this.#current.get(name)
    if (family === undefined) throw new Error(`nobody has logged in for ${name}`)
    return family
  }

  find(value: string): { readonly family: Family; readonly token: FamilyToken } | undefined {
    return this.#byToken.get(value)
  }

  /** Says what presenting a token now would be, and changes nothing. */
  judge(value: string): Verdict {
    const found = this.#byToken.get(value)
    if (found === undefined) return 'unknown'
    const { family, token } = found
    if (family.deadSinceMs !== undefined) return 'dead'
    if (token.uses.length === 0) return 'rotated'
    return this.#allowsAgain(token) ? 'again' : 'reuse'
  }

  /** Presents a token, and issues its successor where the server would. */
  present(value: string, port: number): { readonly verdict: Verdict; readonly successor?: FamilyToken } {
    const verdict = this.judge(value)
    const found = this.#byToken.get(value)
    const { name = '', depth = -1 } = { name: found?.family.name, depth: found?.token.depth }
    const atMs = performance.now()
    this.presentations.push({ atMs, name, depth, verdict, port })
    if (found === undefined) return { verdict }
    const { family, token } = found
    if (verdict === 'reuse') family.deadSinceMs = atMs
    if (verdict !== 'rotated' && verdict !== 'again') return { verdict }
    token.uses.push(atMs)
    const successor = newToken(token)
    token.children.push(successor)
    family.newest = successor
    this.#byToken.set(successor.value, { family, token: successor })
    return { verdict, successor }
  }

  /** The tokens of a family that the server would take now as first uses, latest first. */
  live(family: Family): readonly FamilyToken[] {
    if (family.deadSinceMs !== undefined) return []
    const found: FamilyToken[] = []
    const look = (token: FamilyToken): void => {
      if (token.uses.length === 0) found.push(token)
      for (const child of token.children) look(child)
    }
    look(family.root)
    return found.toReversed()
  }

  /** Tokens from which the newest ones can be had again while the leeway lasts. */
  recoverable(family: Family): readonly FamilyToken[] {
    if (family.deadSinceMs !== undefined) return []
    const { parent } = family.newest
    return parent !== undefined && this.#allowsAgain(parent) ? [parent] : []
  }

  counts(): Readonly<Record<Verdict, number>> {
    const counts = { rotated: 0, again: 0, reuse: 0, dead: 0, unknown: 0 }
    for (const { verdict } of this.presentations) counts[verdict] += 1
    return counts
  }

  #allowsAgain({ uses, children }: FamilyToken): boolean {
    const { seconds, kind } = this.#leeway
    const [first = 0] = uses
    if (performance.now() - first > seconds * 1000) return false
    if (kind === 'SameToken') return true
    return uses.length < 2 && children.every((child) => child.uses.length === 0)
  }
}

function newToken(parent: FamilyToken | undefined): FamilyToken {
  return {
    value: `${refreshTokenMark}-${randomBytes(15).toString('base64url')}`,
    depth: parent === undefined ? 0 : parent.depth + 1,
    issuedAtMs: performance.now(),
    children: [],
    uses: [],
    ...(parent && { parent }),
  }
}
