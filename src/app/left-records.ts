import {
  type Credential,
  type CredentialKey,
  isRefreshTokenAt,
  isSameSource,
  type TokenSource,
} from '../domain/credential.ts'
import type { RefreshRecord } from '../domain/refresh-record.ts'
import { ok, type Result } from '../domain/result.ts'
import type { RecordEntry, RecordSubject, RefreshRecords } from '../ports/refresh-records.ts'
import { RecordVersions } from './record-versions.ts'
import type { ResourceIndex } from './resource-index.ts'
import { SetsByKey } from './sets-by-key.ts'
import { tokenPlace } from './token-places.ts'

/** Who asks, and which credential the document names as the owner of its refresh token. */
export interface LeftQuestion {
  readonly credential: Credential
  readonly claimedBy: string | undefined
}

/** How a credential has come to its place. */
export interface Arrival {
  readonly isNew: boolean
  readonly isHeir: boolean
}

/** One that has come to a place, or is about to. */
interface Coming {
  /** Where it has come as an heir. */
  readonly heirAt: string | undefined
  /** The first list that tells of all who began beside it. */
  readonly list: number
  isThere: boolean
}

/** What answers it. */
interface LeftSources {
  readonly records: Pick<RefreshRecords, 'list'>
  readonly resources: ResourceIndex
}

/**
 * The records of credentials that may have used the refresh token of a place where they are no longer: those that
 * are gone, or on the way out, that have another spec since, or one that nobody can act on.
 *
 * One term of leadership begins with the list of all records, at the first question, and notes from then on who leaves.
 * It lists them again for a credential that it did not know at its place when the last list began.
 */
export class LeftRecords {
  readonly #byUid = new Map<string, RecordEntry>()
  readonly #bySlot = new SetsByKey()
  #isTerm = false
  #listed: Promise<Result<void>> | undefined
  /** Where each credential was when the last list began that has ended, by uid. */
  #coveredAt: ReadonlyMap<string, string> = new Map()
  /** Which list that was. */
  #covering = 0
  /** How many have begun. */
  #begun = 0
  /** How those credentials have come to their places for which it was listed once more, by uid. */
  readonly #comings = new Map<string, Coming>()
  /** Those whose records were written by somebody else since they were read, by uid. */
  readonly #contested = new Set<string>()
  readonly #versions = new RecordVersions()
  /** The list that is under way. */
  #running: Promise<Result<void>> | undefined
  /** The one after it: it has what was written meanwhile. */
  #next: Promise<Result<void>> | undefined

  /** What was known before is as old as the term before. */
  begin(): void {
    this.#byUid.clear()
    this.#bySlot.clear()
    this.#listed = undefined
    this.#coveredAt = new Map()
    this.#comings.clear()
    this.#contested.clear()
    this.#versions.clear()
    this.#running = undefined
    this.#next = undefined
    this.#isTerm = true
  }

  end(): void {
    this.begin()
    this.#isTerm = false
  }

  /** A credential that may have left one of these places. */
  left(entry: RecordEntry | undefined): void {
    if (this.#isTerm && entry !== undefined) this.#keep(entry)
  }

  /** Nothing is left of this record. */
  forget(uid: string): void {
    const entry = this.#byUid.get(uid)
    if (entry === undefined) return
    this.#byUid.delete(uid)
    for (const source of entry.sources) this.#bySlot.remove(slotOf(source), uid)
  }

  /** The credential is gone, and comes to no place any more. */
  settle(uid: string): void {
    this.#comings.delete(uid)
    this.#contested.delete(uid)
    this.#versions.forget(uid)
  }

  /** Somebody else has written the record of this credential, and may be at its place: no list from before tells of that. */
  contest(uid: string): void {
    this.#contested.add(uid)
  }

  /** A record was read that this process knew like this, or not: somebody else may have written it since. */
  noteRead(read: RefreshRecord, known: RefreshRecord | undefined): void {
    const { uid, version } = read
    const listed = { isCovered: this.#coveredAt.has(uid), isListing: this.#running !== undefined }
    const isSame = known === undefined ? this.#versions.isAsLastHad(read, listed) : this.versionNow(known) === version
    if (!isSame) this.contest(uid)
  }

  /** This process knows the record no more; this is how it had it last. */
  lastHad(record: Pick<RefreshRecord, 'uid' | 'version'>): void {
    this.#versions.lastHad(record)
  }

  /** This process has replaced the record by itself. */
  rewrote({ uid, version }: RefreshRecord, to: string): void {
    this.#versions.rewrote(uid, version, to)
  }

  /** The version of a record that is known to this process, unless somebody else has written it. */
  versionNow(known: Pick<RefreshRecord, 'uid' | 'version'>): string {
    return this.#versions.now(known)
  }

  /** The credential has looked about at its place: nobody is there who does not know of it. */
  arrived(uid: string): void {
    const coming = this.#comings.get(uid)
    if (coming !== undefined) coming.isThere = true
  }

  /**
   * Whose records may tell of the refresh token that this credential names. Those of others that name it now are not
   * among them: they are asked themselves.
   *
   * Failures: those of a list of records. It is asked for once, and again with the next question where that failed.
   */
  async at(question: LeftQuestion, sources: LeftSources): Promise<Result<readonly RecordSubject[]>> {
    const listed = await this.#list(sources)
    return listed.ok ? ok(this.#entriesAt(question, sources)) : listed
  }

  /**
   * Makes sure of a list that began when the credential was known to be at its place: of what another process has made
   * since for one that was there before, no earlier list tells. It is one list, for all who ask meanwhile.
   *
   * `isNew`: nothing in its record has told others of this place before the intent that stands now, so the list begins
   * after that: of two that come at the same time, at least one finds the other's intent. `isHeir`: what tells them may
   * be inherited, and as new as that intent; for those it is one list in a term.
   *
   * Returns whether it is coming to its place, until it has arrived there. Failures: those of a list of records.
   */
  async covers(credential: Credential, arrival: Arrival, sources: LeftSources): Promise<Result<'known' | 'coming'>> {
    const { uid } = credential
    const place = sources.resources.placeOf(credential)
    const isComing = this.#isComing(uid, place, arrival)
    const isContested = this.#contested.delete(uid)
    const heirAt = arrival.isHeir ? place : this.#comings.get(uid)?.heirAt
    if (isComing || isContested) this.#comings.set(uid, { heirAt, list: this.#begun + 1, isThere: !isComing })
    const listed = this.#isCovered(uid, place) ? ok(undefined) : await this.#listAgain(sources)
    return listed.ok ? ok(isComing ? 'coming' : 'known') : listed
  }

  #isCovered(uid: string, place: string | undefined): boolean {
    return this.#coveredAt.get(uid) === place && this.#covering >= (this.#comings.get(uid)?.list ?? 0)
  }

  #isComing(uid: string, place: string | undefined, { isNew, isHeir }: Arrival): boolean {
    const coming = this.#comings.get(uid)
    if (isNew || coming?.isThere === false || this.#coveredAt.get(uid) !== place) return true
    return isHeir && coming?.heirAt !== place
  }

  #listAgain(sources: LeftSources): Promise<Result<void>> {
    if (this.#running === undefined) return this.#startList(sources)
    this.#next ??= this.#listAfter(this.#running, sources)
    return this.#next
  }

  /** However that one ends. */
  async #listAfter(running: Promise<unknown>, sources: LeftSources): Promise<Result<void>> {
    await Promise.allSettled([running])
    this.#next = undefined
    return this.#startList(sources)
  }

  async #list(sources: LeftSources): Promise<Result<void>> {
    const listing = (this.#listed ??= this.#startList(sources))
    const listed = await listing
    if (!listed.ok && this.#listed === listing) this.#listed = undefined
    return listed
  }

  async #startList({ records, resources }: LeftSources): Promise<Result<void>> {
    const coveredAt = placesOf(resources)
    this.#begun += 1
    const list = this.#begun
    const listing = records.list((entry) => {
      const now = activeWith(entry.uid, resources)
      const isThere = (source: TokenSource): boolean => now !== undefined && isRefreshTokenAt(now.spec, source)
      if (!entry.sources.every(isThere)) this.#keep(entry)
      if (now !== undefined) this.#versions.listed(entry)
    })
    this.#running = listing
    try {
      const listed = await listing
      // One of an earlier term, or one that another has overtaken, tells nothing of now.
      if (this.#running === listing) this.#endList(listed, { list, coveredAt })
      return listed
    } finally {
      if (this.#running === listing) this.#running = undefined
    }
  }

  /** What was read meanwhile, and written after its moment, is not as it was listed. */
  #endList(
    { ok: isWhole }: Result<void>,
    ended: { readonly list: number; readonly coveredAt: ReadonlyMap<string, string> },
  ): void {
    const unlisted = this.#versions.endList()
    if (!isWhole) return
    this.#coveredAt = ended.coveredAt
    this.#covering = ended.list
    for (const uid of unlisted) this.contest(uid)
  }

  #entriesAt({ credential, claimedBy }: LeftQuestion, { resources }: LeftSources): readonly RecordEntry[] {
    const { spec } = credential
    const place = resources.placeOf(credential)
    if (spec.grant !== 'RefreshToken' || place === undefined) return []
    const known = [...this.#bySlot.of(slotOf(spec.refreshToken))].flatMap((uid) => this.#byUid.get(uid) ?? [])
    const beside = known.filter(({ credential: key, sources }) =>
      sources.some((source) => placeOfSource(key, source, resources) === place),
    )
    const owner = claimedBy === undefined ? undefined : this.#byUid.get(claimedBy)
    const entries = owner === undefined || beside.includes(owner) ? beside : [...beside, owner]
    return entries.filter(({ uid }) => uid !== credential.uid && !isAt(uid, place, resources))
  }

  #keep(entry: RecordEntry): void {
    const { uid } = entry
    const before = this.#byUid.get(uid)?.sources ?? []
    const more = entry.sources.filter((source) => !before.some((one) => isSameSource(one, source)))
    this.#byUid.set(uid, { ...entry, sources: [...before, ...more] })
    for (const source of more) this.#bySlot.add(slotOf(source), uid)
  }
}

function placesOf(resources: ResourceIndex): ReadonlyMap<string, string> {
  const places = new Map<string, string>()
  for (const indexed of resources.credentials()) {
    const place = indexed.type === 'credential' ? resources.placeOf(indexed.credential) : undefined
    if (place !== undefined) places.set(indexed.credential.uid, place)
  }
  return places
}

/** Where a token was read for this credential, as far as the manifests tell now. */
export function placeOfSource(key: CredentialKey, source: TokenSource, resources: ResourceIndex): string {
  return tokenPlace(key, source, resources.storeOf(source.store, key.namespace)).token
}

/** By where in a store a token is, without the store: what a store is called, and where it is, may change. */
export function slotOf({ key, property }: TokenSource): string {
  return JSON.stringify([key, property])
}

/** The credential, while it is there and can be acted on. */
function activeWith(uid: string, resources: ResourceIndex): Credential | undefined {
  const indexed = resources.credentialByUid(uid)
  return indexed?.type === 'credential' && !indexed.credential.deleting ? indexed.credential : undefined
}

function isAt(uid: string, place: string, resources: ResourceIndex): boolean {
  const credential = activeWith(uid, resources)
  return credential !== undefined && resources.placeOf(credential) === place
}
