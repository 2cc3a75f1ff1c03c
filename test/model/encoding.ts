import { holders, type RefreshRecord, type Replica, replicaOf, type World } from './world.ts'

/** Words of an encoded state of up to three replicas. */
export const stateWords = 14

const replicaBase = 8

/**
 * Writes the state as words, the same for two states that differ only in which replica is which:
 * what points to a replica is written with the replica, and the replicas are sorted.
 */
export function encode(world: World, out: Uint32Array): void {
  const { server, store, around } = world
  out[0] =
    bits4(server.newest) |
    (bits1(server.revoked) << 8) |
    (bits1(server.lost) << 10) |
    (bits1(server.abandoned) << 12) |
    (store.count << 14) |
    (store.up << 18) |
    (around.due << 19) |
    (around.rounds << 20) |
    (around.recordsUp << 23) |
    (around.backupTaken << 24) |
    (around.rolledBack << 25) |
    (world.cluster.state << 26) |
    (around.overrun << 27) |
    (around.published << 28)
  out[1] = bytes(store.documents, 0)
  out[2] = bytes(store.documents, 4)
  out[3] = recordWord(world.record)
  out[4] = recordWord(world.backup)
  out[5] = world.record.spent | (world.backup.spent << 16)
  out[6] = budgetWord(world.budget)
  out[7] = budgetWord(world.budget, 16)
  encodeReplicas(world, out)
}

function bits4(pair: readonly number[]): number {
  return (pair[0] ?? 0) | ((pair[1] ?? 0) << 4)
}

function bits1(pair: readonly number[]): number {
  return (pair[0] ?? 0) | ((pair[1] ?? 0) << 1)
}

function bytes(from: readonly number[], offset: number): number {
  return (
    (from[offset] ?? 0) |
    ((from[offset + 1] ?? 0) << 8) |
    ((from[offset + 2] ?? 0) << 16) |
    ((from[offset + 3] ?? 0) << 24)
  )
}

function budgetWord(budget: readonly number[], offset = 0): number {
  let word = 0
  for (let i = 0; i < 16; i++) word |= (budget[offset + i] ?? 0) << (i * 2)
  return word
}

function recordWord(record: RefreshRecord): number {
  const holder = record.holder === holders.nobody ? 0 : record.holder === holders.gone ? 2 : 1
  return (
    record.intent |
    (holder << 4) |
    (record.age << 6) |
    (record.sends << 8) |
    (record.retained << 10) |
    (record.sealedBy << 14) |
    (record.refused << 17)
  )
}

function encodeReplicas(world: World, out: Uint32Array): void {
  for (let i = 0; i < world.replicas.length; i++) {
    const slot = replicaBase + i * 2
    out[slot] = replicaWord(replicaOf(world, i))
    out[slot + 1] = secondWord(world, i)
    sink(out, slot)
  }
}

function replicaWord(r: Replica): number {
  return (
    r.at |
    (r.journal << 5) |
    (r.document << 7) |
    (r.version << 15) |
    (r.base << 18) |
    (r.answer << 22) |
    (r.recordFresh << 26) |
    (r.recordDone << 27) |
    (r.storeDone << 28) |
    (r.published << 30) |
    (r.conflicted << 31)
  )
}

function secondWord(world: World, i: number): number {
  const r = replicaOf(world, i)
  const first =
    r.late |
    (r.expired << 1) |
    (r.zombie << 2) |
    (r.flight << 3) |
    (r.reply << 5) |
    (r.orphan << 9) |
    (r.orphanLate << 13)
  return (
    first |
    (r.stalled << 14) |
    (pointer(world.record, i) << 17) |
    (pointer(world.backup, i) << 19) |
    (world.around.leader === i + 1 ? 1 << 21 : 0)
  )
}

function pointer(record: RefreshRecord, i: number): number {
  if (record.holder === i + 1) return 1
  return record.holder === holders.earlierJournalOf + i + 1 ? 2 : 0
}

/** One step of an insertion sort over pairs of words. */
function sink(out: Uint32Array, from: number): void {
  for (let slot = from; slot > replicaBase && isBefore(out, slot, slot - 2); slot -= 2) {
    swap(out, slot, slot - 2)
    swap(out, slot + 1, slot - 1)
  }
}

function isBefore(out: Uint32Array, a: number, b: number): boolean {
  const [x, y] = [out[a] ?? 0, out[b] ?? 0]
  return x === y ? (out[a + 1] ?? 0) < (out[b + 1] ?? 0) : x < y
}

function swap(out: Uint32Array, a: number, b: number): void {
  const kept = out[a] ?? 0
  out[a] = out[b] ?? 0
  out[b] = kept
}

/** Reads what {@link encode} wrote at `offset` into an existing world. */
export function decode(words: Uint32Array, offset: number, world: World): void {
  const word = (i: number): number => words[offset + i] ?? 0
  decodeHead(word(0), world)
  decodeBytes(word(1), world.store.documents, 0)
  decodeBytes(word(2), world.store.documents, 4)
  decodeRecord(word(3), world.record)
  decodeRecord(word(4), world.backup)
  world.record.spent = word(5) & 0xffff
  world.backup.spent = word(5) >>> 16
  for (let i = 0; i < world.budget.length; i++) {
    world.budget[i] = (word(6 + (i >> 4)) >>> ((i & 15) * 2)) & 3
  }
  world.around.leader = 0
  for (let i = 0; i < world.replicas.length; i++) {
    const [first, second] = [word(replicaBase + i * 2), word(replicaBase + i * 2 + 1)]
    decodeReplica(first, second, replicaOf(world, i))
    decodePointers(second, i, world)
  }
}

function decodeHead(head: number, { server, store, around, cluster }: World): void {
  server.newest[0] = head & 15
  server.newest[1] = (head >> 4) & 15
  for (let login = 0; login < 2; login++) {
    server.revoked[login] = (head >> (8 + login)) & 1
    server.lost[login] = (head >> (10 + login)) & 1
    server.abandoned[login] = (head >> (12 + login)) & 1
  }
  store.count = (head >> 14) & 15
  store.up = (head >> 18) & 1
  around.due = (head >> 19) & 1
  around.rounds = (head >> 20) & 7
  around.recordsUp = (head >> 23) & 1
  around.backupTaken = (head >> 24) & 1
  around.rolledBack = (head >> 25) & 1
  cluster.state = (head >> 26) & 1
  around.overrun = (head >> 27) & 1
  around.published = head >>> 28
}

function decodeBytes(word: number, into: number[], offset: number): void {
  for (let i = 0; i < 4 && offset + i < into.length; i++) into[offset + i] = (word >>> (i * 8)) & 255
}

function decodeRecord(word: number, record: RefreshRecord): void {
  record.intent = word & 15
  record.holder = ((word >> 4) & 3) === 2 ? holders.gone : holders.nobody
  record.age = (word >> 6) & 3
  record.sends = (word >> 8) & 3
  record.retained = (word >> 10) & 15
  record.sealedBy = (word >> 14) & 7
  record.refused = (word >> 17) & 15
}

function decodeReplica(first: number, second: number, r: Replica): void {
  r.at = first & 31
  r.journal = (first >> 5) & 3
  r.document = (first >> 7) & 255
  r.version = (first >> 15) & 7
  r.base = (first >> 18) & 15
  r.answer = (first >> 22) & 15
  r.recordFresh = (first >> 26) & 1
  r.recordDone = (first >> 27) & 1
  r.storeDone = (first >> 28) & 3
  r.published = (first >> 30) & 1
  r.conflicted = first >>> 31
  r.late = second & 1
  r.expired = (second >> 1) & 1
  r.zombie = (second >> 2) & 1
  r.flight = (second >> 3) & 3
  r.reply = (second >> 5) & 15
  r.orphan = (second >> 9) & 15
  r.orphanLate = (second >> 13) & 1
  r.stalled = (second >> 14) & 7
}

function decodePointers(second: number, i: number, world: World): void {
  point(world.record, (second >> 17) & 3, i)
  point(world.backup, (second >> 19) & 3, i)
  if (((second >> 21) & 1) === 1) world.around.leader = i + 1
}

function point(record: RefreshRecord, how: number, i: number): void {
  if (how === 1) record.holder = i + 1
  if (how === 2) record.holder = holders.earlierJournalOf + i + 1
}
