import type { Credential, RefreshTokenSource } from '../../src/domain/credential.ts'
import type { DocumentClaim } from '../../src/domain/document-claim.ts'
import type { RefreshRecord } from '../../src/domain/refresh-record.ts'
import { ClusterModel } from './cluster-model.ts'
import { EndpointModel } from './endpoint-model.ts'
import type { Stage } from './fault.ts'
import {
  planFaults,
  planForcedDeletions,
  planMoves,
  planMovesOfKept,
  keepsTargets,
  planRecreations,
  planWithdrawals,
  recreatesObjects,
} from './faults.ts'
import { Fleet } from './fleet.ts'
import { Gremlin } from './gremlin.ts'
import { Manifests } from './manifests.ts'
import type { Models } from './models.ts'
import { type AnswerContents, PodModel } from './pods.ts'
import { Random } from './random.ts'
import { RecordModel, type Retained } from './record-model.ts'
import { Recreations } from './recreations.ts'
import { drawScenario, manifestOf, type Planned, type Scenario } from './scenario.ts'
import { Scheduler } from './scheduler.ts'
import { ServerModel } from './server-model.ts'
import { elsewhere, placeOf, StoreModel } from './store-model.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { type Family, type LossCause, type RefreshTokenFact, TokenLedger, secretMark } from './token-ledger.ts'
import { Violations } from './violations.ts'
import { Wire } from './wire.ts'

/** How many processes the Deployment has. */
const replicaCount = 3
/** How often somebody looks whether a login is gone, and may log in again. */
const humanLookMs = 240_000

/** Nobody is stopped for longer between looking at a claim and presenting. */
const longestSleepMs = 600_000

/** One world: the processes of the production engine, models of all that is around them, and what happens to them. */
export class World implements Stage {
  readonly random: Random
  readonly scenario: Scenario
  readonly models: Models
  readonly gremlin: Gremlin
  readonly fleet: Fleet
  readonly servers = new Map<string, ServerModel>()
  readonly #manifests: Manifests
  isCalm = false
  calmMs = Infinity
  /** Alone: what the store shows may be newer. */
  recordsWentBack = false
  /** Alone, or with the store. */
  recordsWereRestored = false
  /** Places of which nobody knows any more which tokens were used up. */
  readonly #forgotten = new Set<string>()
  readonly #claimedElsewhereMs = new Map<string, number>()
  /** When a document went back last. */
  readonly #rolledBackMs = new Map<string, number>()
  readonly #claimsBefore = new Map<string, DocumentClaim | undefined>()
  /** Places that a credential has left, or was deleted at. */
  readonly #onceLeft = new Set<string>()
  /** Where those were that were moved, by name. */
  readonly #awayFrom = new Map<string, string>()
  readonly #recreations: Recreations

  readonly #seed: number

  constructor(seed: number, tracing: boolean) {
    this.#seed = seed
    this.random = new Random(seed)
    this.scenario = drawScenario(this.random)
    const { random } = this
    const scheduler = new Scheduler()
    const violations = new Violations(() => `[${scheduler.steps} ${timeOf(scheduler.nowMs)}]`, tracing)
    this.gremlin = new Gremlin(random, scheduler, violations)
    this.models = this.#build(scheduler, violations)
    this.#manifests = new Manifests(this.models, this.scenario.store)
    this.fleet = new Fleet(this.models, this.#manifests, {
      everybodyLeads: this.scenario.everybodyLeads,
      bug: (bug) =>
        violations.add(`A bug was thrown: ${bug instanceof Error ? (bug.stack ?? bug.message) : String(bug)}`),
    })
    this.#recreations = new Recreations(this.models, this.#manifests, this.fleet)
    this.#recreations.onDeleted = ({ place }) => void this.#onceLeft.add(place)
    this.models.records.onRemoved = (record) => this.#recordRemoved(record)
    this.models.records.keyAt = (place) => this.models.store.claim(place)?.sealingKey.reveal()
    this.models.ledger.isTakenAway = (token) => this.#isTakenAway(token)
    this.models.cluster.onStatus = (name) => this.#manifests.echo(name, this.fleet.processes())
    this.#populate()
  }

  get planned(): readonly Planned[] {
    return this.scenario.planned
  }

  /** Everything begins, and so do the faults. */
  start(): void {
    this.fleet.start(replicaCount)
    planFaults(this, this.gremlin, this.scenario.faults, this.scenario.faultyMs)
    planForcedDeletions(this.#seed, this, this.gremlin, this.scenario.faultyMs)
    this.models.cluster.recreates = recreatesObjects(this.#seed)
    this.models.cluster.keepsTargets = keepsTargets(this.#seed)
    planRecreations(this.#seed, this, this.gremlin, this.scenario.faultyMs)
    planMoves(this.#seed, this, this.gremlin, this.scenario.faultyMs)
    planMovesOfKept(this.#seed, this, this.gremlin, this.scenario.faultyMs)
    planWithdrawals(this.#seed, this, this.gremlin, this.scenario.faultyMs)
    this.#lookAgain()
  }

  /** Faults end; what is broken works again. */
  calm(): void {
    this.models.violations.note(() => 'faults are over')
    this.isCalm = true
    this.calmMs = this.models.scheduler.nowMs
    for (const { pod } of this.fleet.processes()) pod.wallOffsetSeconds = 0
    this.gremlin.rest()
    this.models.wire.slowness = 1
    this.#manifests.lagging = false
    for (const { name, place } of this.planned) {
      this.#suspend(name, false)
      this.#giveBack(place)
    }
    this.#manifests.applyStore(true, this.fleet.processes())
    this.#recreations.calm()
    this.fleet.calm(this.scenario.everybodyLeads || this.random.chance(0.5))
  }

  /** A human logs in anew and puts the refresh token there. */
  login(place: string): void {
    const { ledger, store } = this.models
    for (const family of ledger.families) if (family.place === place) family.abandoned = true
    store.put(place, ledger.login(place).text, 'superseded')
  }

  /** A human puts a token back that was there before. */
  pasteOld(place: string): void {
    let former = this.models.ledger.find(this.models.store.token(place) ?? '')?.parent
    // Nobody has a token that never was where somebody could have seen it.
    while (former?.everStored === false) former = former.parent
    if (former === undefined) return
    this.storeGoesBack()
    this.models.store.put(place, former.text, 'human')
  }

  /** Records have gone back, or with a credential for good, and now the store does, or seems to: nobody is left who could know better. */
  storeGoesBack(): void {
    this.#loseLogins((place) => this.recordsWentBack || this.#forgotten.has(place))
  }

  /** A credential is gone that was at its newest token, and nobody was there to inherit what it knew. */
  #recordRemoved({ uid, spent }: RefreshRecord): void {
    // One with a finalizer is there until its record is gone.
    const planned = this.planned.find((one) => one.uid === uid || one.formerUids.includes(uid))
    if (planned === undefined) return
    // Only the records of those at the same place are looked at.
    const beside = this.planned.filter(({ place }) => place === planned.place)
    const known = new Set(beside.flatMap((one) => this.models.records.current(one.uid)?.spent ?? []))
    if (!spent.every((one) => known.has(one))) this.#forget(planned.place, spent)
  }

  /** Whoever knew what was used up at a place is not there any more. */
  #forget(place: string, spent: readonly string[]): void {
    this.#forgotten.add(place)
    // A document that went back since it was looked at last.
    if (spent.includes(this.#tokenAt(place)?.fingerprint ?? '')) this.#loseLogins((one) => one === place)
  }

  #tokenAt(place: string): RefreshTokenFact | undefined {
    return this.models.ledger.find(this.models.store.token(place) ?? '')
  }

  #loseLogins(isMeant: (place: string) => boolean): void {
    for (const family of this.models.ledger.families) {
      if (isMeant(family.place)) Object.assign(family, { abandoned: true, loss: family.loss ?? 'W5' })
    }
  }

  rollBack(key: string, changes: number): void {
    this.storeGoesBack()
    this.#displaceLogins(() => this.#storeBack(key, changes))
    this.#lockedOut('W5')
  }

  #storeBack(key: string, changes: number): void {
    this.models.store.rollBack(key, changes, 'W5')
    this.#rolledBackMs.set(key, this.models.scheduler.nowMs)
  }

  /** A login whose place another one takes again may come late with its successor. */
  #displaceLogins(goBack: () => void): void {
    const { store, ledger } = this.models
    // Of a document that somebody has deleted before, the last login is what another one takes the place of.
    const lastLogin = (place: string): Family | undefined =>
      ledger.families.findLast((family) => family.place === place)
    const before = this.planned.map(({ place }) =>
      store.token(place) === undefined ? lastLogin(place) : ledger.find(store.token(place) ?? '')?.family,
    )
    goBack()
    for (const [index, { place }] of this.planned.entries()) {
      const family = before[index]
      if (family !== undefined && ledger.find(store.token(place) ?? '')?.family !== family) family.returned = true
    }
  }

  delete(key: string): void {
    this.models.store.delete(key)
    this.#lockedOut('human')
  }

  /** Store and records go back together: the one thing that no copy survives. */
  restoreEverything(): void {
    const { store, records, scheduler } = this.models
    const backup = records.snapshot()
    scheduler.after(this.random.between(60_000, 1_200_000), () => {
      if (this.isCalm) return
      this.#loseLogins(() => true)
      this.#displaceLogins(() => {
        for (const key of store.keys()) this.#storeBack(key, 3)
      })
      records.restore(backup, 'W5')
      this.recordsWereRestored = true
      for (const process of this.fleet.processes()) this.fleet.lose(process)
    })
  }

  /** Records alone go back. Documents without room for a mark cannot tell that, so their tokens may be used up for it. */
  restoreRecords(): void {
    const { records, scheduler, ledger } = this.models
    const backup = records.snapshot()
    scheduler.after(this.random.between(10_000, 1_200_000), () => {
      if (this.isCalm) return
      this.models.violations.note(() => 'records are restored from a backup')
      for (const family of ledger.families) {
        if (!this.#outlivesRecords(family)) Object.assign(family, { abandoned: true, loss: family.loss ?? 'W5' })
      }
      records.restore(backup, 'W5')
      this.recordsWentBack = true
      this.recordsWereRestored = true
      // What brings etcd back starts the Pods anew.
      for (const process of this.fleet.processes()) this.fleet.lose(process)
    })
  }

  /** True for a login whose document can tell how old the records are, while nobody refreshes it. */
  #outlivesRecords({ place, newest }: Family): boolean {
    const isRoomy = this.scenario.documents.get(documentOf(place)) === true
    const users = this.planned.filter((planned) => planned.place === place)
    const uids = users.flatMap(({ uid, formerUids }) => [uid, ...formerUids])
    const isIdle = uids.every((uid) => this.models.records.current(uid)?.intent === undefined)
    return isRoomy && isIdle && newest.copies.store > 0
  }

  suspend(name: string): void {
    this.#suspend(name, true)
    this.models.scheduler.after(this.random.between(10_000, 900_000), () => this.#suspend(name, false))
  }

  /** The object goes, with its status and its target; after a while there is another one of its name. */
  recreate(planned: Planned, gapMs: number): void {
    this.#recreations.recreate(planned, gapMs)
  }

  /** Somebody deletes the object of the store, and creates it again. */
  withdrawStore(durationMs: number): void {
    this.models.violations.note(() => `the object of the store is deleted for ${Math.round(durationMs / 1000)} s`)
    this.#manifests.applyStore(false, this.fleet.processes())
    this.models.scheduler.after(durationMs, () => this.#manifests.applyStore(true, this.fleet.processes()))
  }

  hasMoved({ name }: Planned): boolean {
    return this.#awayFrom.has(name)
  }

  /** True for the place that a credential has left last. */
  hasBeenAt({ name }: Planned, place: string): boolean {
    return this.#awayFrom.get(name) === place
  }

  /** The credential names a document of its own, with another login, or the one that it named before. */
  move(planned: Planned): void {
    const { ledger, store } = this.models
    const { name, place } = planned
    if (!this.#manifests.credentials.has(name)) return
    const next = this.#awayFrom.get(name) ?? placeOf(`${name}-spare`, undefined)
    this.#awayFrom.set(name, place)
    // Whoever goes on keeps what was used up there to itself.
    this.#forgotten.add(place)
    this.#onceLeft.add(place)
    planned.place = next
    if (store.token(next) === undefined) {
      store.create(documentOf(next), true)
      store.put(next, ledger.login(next).text, 'superseded')
    }
    const { refreshToken } = manifestOf(planned).spec as { refreshToken: RefreshTokenSource }
    this.change(name, ({ generation, spec, ...rest }) => ({
      ...rest,
      generation: generation + 1,
      spec: { ...spec, refreshToken } as Credential['spec'],
    }))
  }

  /** Of all records that may hold it, those of the objects before included. */
  retained({ uid, formerUids }: Planned): readonly Retained[] {
    return [uid, ...formerUids].flatMap((one) => this.models.records.retained(one) ?? [])
  }

  change(name: string, changed: (credential: Credential) => Credential): void {
    const credential = this.#manifests.credentials.get(name)
    if (credential !== undefined) this.#manifests.apply(name, changed(credential), this.fleet.processes())
  }

  server(name: string): ServerModel {
    const server = this.servers.get(name)
    if (server === undefined) throw new Error(`there is no server ${name}`)
    return server
  }

  /** The newest refresh token of a credential that still works and can be reached; undefined when there is none. */
  liveToken(planned: Planned): RefreshTokenFact | undefined {
    const { ledger, store } = this.models
    const stored = this.#tokenAt(planned.place)
    if (stored === undefined || ledger.isAlive(stored)) return stored
    const opened = store.claim(planned.place)?.sealingKey.reveal()
    // What a human put there wins, dead as it may be.
    const found = this.retained(planned).find(
      ({ token, key }) =>
        token.family === stored.family && (key === undefined || key === opened) && ledger.isAlive(token),
    )
    return found?.token
  }

  /** Another cluster is set up with the same document, and given up after a while. */
  claimElsewhere(place: string): void {
    const before = this.models.store.claim(place)
    // One document has one key, whoever is its owner.
    const sealingKey = before?.sealingKey ?? new Sensitive(`${secretMark}key-elsewhere-`)
    const claim = { owner: elsewhere, ownerName: 'another cluster', sealingKey }
    if (before?.owner === elsewhere || !this.models.store.claimElsewhere(place, claim)) return
    this.#claimedElsewhereMs.set(place, this.models.scheduler.nowMs)
    this.models.scheduler.after(this.random.between(15, 40) * 60_000, () => this.#giveBack(place))
    this.#claimsBefore.set(place, before)
  }

  #giveBack(place: string): void {
    if (this.models.store.claim(place)?.owner === elsewhere) {
      this.models.store.claimElsewhere(place, this.#claimsBefore.get(place))
    }
    this.#claimedElsewhereMs.delete(place)
  }

  /** What was in the store once, and is older there now, is the business of the other cluster that has claimed it. */
  #isTakenAway({ family, everStored }: RefreshTokenFact): boolean {
    const { place } = family
    const isClaimed = everStored && this.#claimedElsewhereMs.has(place)
    return this.#onceLeft.has(place) && (isClaimed || this.#tokenAt(place)?.family !== family)
  }

  /** A token that another cluster has claimed for long is that one's to present. */
  #judgeClaims(text: string): void {
    const { scheduler, store, violations } = this.models
    for (const [place, claimedMs] of this.#claimedElsewhereMs) {
      // A rollback may have taken the claim away in between, and another one brought it back.
      const sinceMs = Math.max(claimedMs, this.#rolledBackMs.get(documentOf(place)) ?? 0)
      const isOurs = store.token(place) !== text || store.claim(place)?.owner !== elsewhere
      // A token that never changes may have many who present it.
      const rotates = this.planned.some((one) => one.place === place && this.server(one.provider).profile.rotates)
      if (isOurs || !rotates || scheduler.nowMs - sinceMs < longestSleepMs) continue
      violations.add(`${text} is presented although another cluster has claimed it.`)
    }
  }

  /** What a record keeps can be read with the key of its document only: where that is gone, so is the token. */
  #lockedOut(cause: LossCause): void {
    const { store } = this.models
    for (const planned of this.planned) {
      for (const { key, token } of this.retained(planned)) {
        if (key === undefined || store.claim(token.family.place)?.sealingKey.reveal() === key) continue
        const { family, copies } = token
        if (token === family.newest && copies.store + copies.journal === 0) family.loss ??= cause
      }
    }
  }

  #suspend(name: string, suspend: boolean): void {
    this.change(name, (credential) =>
      credential.spec.suspend === suspend
        ? credential
        : { ...credential, generation: credential.generation + 1, spec: { ...credential.spec, suspend } },
    )
  }

  /** While faults go on, somebody logs in again now and then where nothing else helps. */
  #lookAgain(): void {
    this.models.scheduler.after(humanLookMs, () => {
      if (this.isCalm) return
      for (const planned of this.planned) {
        if (planned.duplicateOf !== undefined || this.liveToken(planned) !== undefined) continue
        if (this.random.chance(0.5)) this.login(planned.place)
      }
      this.#lookAgain()
    })
  }

  #build(scheduler: Scheduler, violations: Violations): Models {
    const { random } = this
    const { meddle } = this.gremlin
    const ledger = new TokenLedger(violations)
    const wire = new Wire(random, scheduler, meddle)
    const contents: AnswerContents = new WeakMap()
    const store = new StoreModel(wire, ledger, violations)
    const records = new RecordModel(wire, ledger, violations)
    const pods = new PodModel({ wire, ledger, violations }, contents)
    const cluster = new ClusterModel({ wire, ledger, violations, scheduler })
    const common = { random, scheduler, violations, ledger, wire, store, records, pods, cluster }
    const endpoint = new EndpointModel({
      ...common,
      contents,
      meddle,
      serverOf: (provider) => this.server(provider),
      onPresented: (text) => {
        this.#judgeClaims(text)
        for (const [place, token] of store.humanTokens) if (token === text) store.humanTokens.delete(place)
      },
    })
    return { ...common, endpoint }
  }

  #populate(): void {
    const { ledger, store } = this.models
    for (const { profile, provider } of this.scenario.servers) {
      const declaresNothing = provider.rotation.mode === 'Detect'
      this.servers.set(profile.name, new ServerModel(profile, declaresNothing, this.models))
      this.#manifests.providers.set(provider.name, provider)
    }
    for (const [key, roomy] of this.scenario.documents) store.create(key, roomy)
    for (const planned of this.planned) {
      if (planned.duplicateOf === undefined) store.put(planned.place, ledger.login(planned.place).text, 'superseded')
      this.#manifests.credentials.set(planned.name, manifestOf(planned))
    }
  }
}

function documentOf(place: string): string {
  return place.split('#')[0] ?? ''
}

function timeOf(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  return `${Math.floor(seconds / 3600)}:${String(Math.floor(seconds / 60) % 60).padStart(2, '0')}:${(ms / 1000 - Math.floor(seconds / 60) * 60).toFixed(3)}`
}
