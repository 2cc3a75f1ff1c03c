/**
 * Everything that one state of the model holds. Tokens are small numbers: 1 to 7 are the first
 * login's, in the order they were issued, 9 to 15 those of a second login by a human; 0 is none.
 */
export interface World {
  readonly server: AuthorizationServer
  readonly store: Store
  readonly record: RefreshRecord
  readonly backup: RefreshRecord
  readonly replicas: readonly Replica[]
  readonly cluster: OtherCluster
  readonly around: Around
  readonly budget: number[]
  readonly marks: Marks
}

/** What a transition did that is no part of the state. */
export interface Marks {
  violation: string
  /** It left the scope: more tokens or versions than the model has room for. */
  beyond: boolean
  /** The window of loss that the transition opened, if it loses something: 1 to 5. */
  window: number
  /** Losses of this transition by window. */
  lostIn: number
  /** The window in which this transition presents a spent refresh token: 4 or 5. */
  spentIn: number
}

export interface AuthorizationServer {
  /** Newest refresh token of each login. */
  readonly newest: number[]
  readonly revoked: number[]
  /** The newest refresh token of this login exists nowhere any more, or is dead. */
  readonly lost: number[]
  /** A human logged in anew, or deleted the document: nobody wants this login any more. */
  readonly abandoned: number[]
}

export interface Store {
  /** Document of each version, in order: token + 16 * claim + 128 if we wrote it. */
  readonly documents: number[]
  count: number
  up: number
}

export interface RefreshRecord {
  intent: number
  /** See {@link holders}. */
  holder: number
  /** 1: send window, response timeout and margin have passed since it was armed. */
  age: number
  sends: number
  retained: number
  /** What the server refused; it is not presented again. */
  refused: number
  /** Which claim's sealing key opens `retained`. */
  sealedBy: number
  /** One bit for each token. */
  spent: number
}

/** Holders of an intent: 1 to 3 are replicas. */
export const holders = { nobody: 0, gone: 4, earlierJournalOf: 4 } as const

export interface Replica {
  at: number
  /** 0 empty, 1 armed, 2 sent, 3 answered. */
  journal: number
  document: number
  version: number
  base: number
  answer: number
  /** Nobody has written the record since it was judged. */
  recordFresh: number
  recordDone: number
  /** 1: written, 2: given up, since a human was there or the store is paced. */
  storeDone: number
  published: number
  conflicted: number
  /** It was paused past the fence. */
  late: number
  /** Its send window is over. */
  expired: number
  /** Its Pod is said to be gone, and it still runs. */
  zombie: number
  /** 0 none, 1 on its way to the server, 2 answered, 3 refused. */
  flight: number
  reply: number
  /** A request whose sender does not listen any more. */
  orphan: number
  orphanLate: number
  stalled: number
}

export interface OtherCluster {
  /** 1 when it has claimed the document. */
  state: number
}

export interface Around {
  due: number
  rounds: number
  recordsUp: number
  /** 0: everybody believes to lead; else faults have stopped, and this replica leads. */
  leader: number
  /** Whose access token is published. */
  published: number
  backupTaken: number
  /** A rollback or a restore took the last shared copy. */
  rolledBack: number
  /** An intent was taken over from a process that was paused past the fence. */
  overrun: number
}

/** Where a process is. */
export const at = {
  down: 0,
  start: 1,
  idle: 2,
  judge: 3,
  claim: 4,
  rollForward: 5,
  prove: 6,
  journalArmed: 7,
  arm: 8,
  armUnknown: 9,
  fence: 10,
  journalSent: 11,
  send: 12,
  wait: 13,
  answered: 14,
  commit: 15,
  unanswered: 16,
  refused: 17,
  disarm: 18,
  settle: 19,
} as const

export const claims = { none: 0, first: 1, second: 2, third: 3, other: 4 } as const
export const historyLimit = 7

export function tokenOf(document: number): number {
  return document & 15
}

export function claimOf(document: number): number {
  return (document >> 4) & 7
}

export function isOurs(document: number): boolean {
  return document > 127
}

export function documentOf(token: number, claim: number, ours: boolean): number {
  return token + claim * 16 + (ours ? 128 : 0)
}

export function loginOf(token: number): number {
  return token >> 3
}

function emptyRecord(): RefreshRecord {
  return { intent: 0, holder: 0, age: 0, sends: 0, retained: 0, refused: 0, sealedBy: 0, spent: 0 }
}

export function emptyReplica(): Replica {
  return {
    at: at.idle,
    journal: 0,
    document: 0,
    version: 0,
    base: 0,
    answer: 0,
    recordFresh: 0,
    recordDone: 0,
    storeDone: 0,
    published: 0,
    conflicted: 0,
    late: 0,
    expired: 0,
    zombie: 0,
    flight: 0,
    reply: 0,
    orphan: 0,
    orphanLate: 0,
    stalled: 0,
  }
}

export function newWorld(replicas: number, budget: readonly number[]): World {
  return {
    server: { newest: [1, 0], revoked: [0, 0], lost: [0, 0], abandoned: [0, 0] },
    store: { documents: Array.from({ length: historyLimit }, () => 0), count: 0, up: 1 },
    record: emptyRecord(),
    backup: emptyRecord(),
    replicas: Array.from({ length: replicas }, emptyReplica),
    cluster: { state: 0 },
    around: { due: 1, rounds: 0, recordsUp: 1, leader: 0, published: 0, backupTaken: 0, rolledBack: 0, overrun: 0 },
    budget: [...budget],
    marks: { violation: '', beyond: false, window: 0, lostIn: 0, spentIn: 0 },
  }
}

export function replicaOf(world: World, index: number): Replica {
  const replica = world.replicas[index]
  if (replica === undefined) throw new Error(`The model has no replica ${index}.`)
  return replica
}

export function currentDocument(world: World): number {
  return world.store.documents[world.store.count - 1] ?? 0
}

export function newestOf(world: World, login: number): number {
  return world.server.newest[login] ?? 0
}

export function isRevoked(world: World, token: number): boolean {
  return world.server.revoked[loginOf(token)] === 1
}

export function isSpent(record: RefreshRecord, token: number): boolean {
  return ((record.spent >> token) & 1) === 1
}
