import { afterAll, describe, expect, test } from 'vitest'
import { scope, smallScopes } from './configurations.ts'
import { type GuardName, guardMeanings, guardNames, guardsWithout } from './guards.ts'
import { checkLiveness } from './liveness.ts'
import { explore } from './search.ts'
import type { Settings } from './settings.ts'

const spend = 'harmful double spend'
const loss = 'loss: the newest refresh token is gone'
const notDurable = 'an access token is published whose refresh token is not durable'
const backwards = 'an older refresh token is written over a newer one'
const wrongReason = 'a lost answer of our own is told as a refresh token that somebody else spent'

const plain = scope('nothing goes wrong', {})
const lost = smallScope('answers lost, leeway None')
const records = scope('record writes unknown', { recordWriteUnknown: 1, podLoss: 1 }, { refreshes: 1 })
const stores = scope('store writes unknown', { storeWriteUnknown: 1, recordsDown: 1 }, { refreshes: 1 })
const forced = scope('Pod deleted by force', { podFalselyGone: 1, recordWriteUnknown: 1 }, { refreshes: 1 })
const human = scope('a human logs in, two refreshes', { humanLogin: 1, crash: 1 })
const rolledBack = scope('store rolled back', { rollback: 1 }, { refreshes: 3 })
const cluster = scope('another cluster', { otherCluster: 1, otherClusterTakesOver: 1 }, { unclaimed: true })

/** Where the model sees that a guard is missing, and what it sees. */
const seen: { readonly [guard in GuardName]?: readonly [Settings, string] } = {
  armBeforeSend: [plain, spend],
  armComparesVersion: [plain, spend],
  armReadBack: [records, spend],
  armedIntentRespected: [plain, spend],
  takeoverNeedsHolderGone: [lost, spend],
  takeoverWaits: [forced, spend],
  fenceDeadline: [forced, spend],
  fenceCountsFromArmStart: [forced, spend],
  documentProvenAfterRecord: [records, spend],
  spentNotPresented: [human, spend],
  generationCompared: [
    scope('a long-gone document comes back', { rollback: 1 }, { refreshes: 3, spentLimit: 1 }),
    spend,
  ],
  retainedKept: [rolledBack, notDurable],
  storeComparesVersion: [plain, backwards],
  storeVersionsUnique: [rolledBack, backwards],
  humanWins: [plain, backwards],
  overtakenNotWritten: [lost, backwards],
  replacedIntentSpent: [
    scope('the document of a human comes back', { humanLogin: 1, rollback: 1 }, { tokens: 3 }),
    spend,
  ],
  journalSentBeforeSend: [lost, wrongReason],
  journalBeforeUse: [lost, loss],
  salvageBeforeParse: [smallScope('damaged answers'), loss],
  waitForAnswer: [plain, loss],
  durableBeforePublish: [plain, notDurable],
  olderNotPublished: [plain, 'an older access token is published over a newer one'],
  durableBeforeSettle: [plain, loss],
  recordMerged: [human, notDurable],
  recordReadBack: [records, notDurable],
  storeReadBack: [stores, notDurable],
  refusalRemembered: [lost, wrongReason],
  uncertaintyKept: [lost, wrongReason],
  uncertaintySurvivesDisarm: [lost, wrongReason],
  claimBeforeSpending: [cluster, spend],
  claimHonoured: [cluster, spend],
  claimTakeoverDrained: [cluster, spend],
}

/** Without these nothing is lost, but somebody waits for ever. */
const seenAsWaiting: { readonly [guard in GuardName]?: Settings } = {
  recoveryAtStart: scope('a standby dies', { crash: 1 }, { refreshes: 1 }),
  ownIntentsReviewed: scope('records restored', { restore: 1 }, { refreshes: 1 }),
  earlierJournalOfOwnPod: scope('a journal is lost', { crash: 1, journalLoss: 1 }, { refreshes: 1 }),
}

/** Guards of the model whose absence it cannot tell, and why. The simulation has to. */
const unseen: { readonly [guard in GuardName]?: string } = {
  voidedRemembered:
    'Whatever we wrote carries its generation, and generationCompared refuses it; this one counts for documents that cannot carry any.',
  retainedAdopted: 'Saves a refresh; refreshing again with a token that is alive breaks no promise.',
}

function smallScope(name: string): Settings {
  const found = smallScopes.find((settings) => settings.name === name)
  if (found === undefined) throw new Error(`There is no scope "${name}".`)
  return found
}

/** Far enough for every guard; the scopes themselves are larger. */
const stateLimit = 400_000

const found: string[] = []

describe('the model finds what goes wrong without', () => {
  test.each(Object.entries(seen))('%s', (guard, [settings, text]) => {
    const { violation, states } = explore({ ...settings, guards: guardsWithout(guard as GuardName) }, stateLimit)
    found.push(
      `${guard} | ${settings.name} | ${states} states | ${(violation?.trace.length ?? 1) - 1} steps | ${violation?.text}`,
    )
    expect(violation?.text).toContain(text)
  })

  test.each(Object.entries(seenAsWaiting))('%s: somebody waits for ever', (guard, settings) => {
    const { search, stuck } = checkLiveness({ ...settings, guards: guardsWithout(guard as GuardName) }, 300_000)
    found.push(`${guard} | ${settings.name} | ${search.states} states | - | ${stuck} states lead to no end`)
    expect(stuck).toBeGreaterThan(0)
  })

  afterAll(() => process.stdout.write(`${found.join('\n')}\n`))
})

describe('with all guards', () => {
  const own = Object.values(seen).flatMap(([settings]) => (smallScopes.includes(settings) ? [] : [settings]))
  const scopes = new Map(own.map((settings) => [settings.name, settings]))

  test.each([...scopes])('%s: nothing goes wrong as near as that', (_, settings) => {
    expect(explore(settings, stateLimit / 4).violation?.trace.join('\n') ?? '').toBe('')
  })

  test('no guard is forgotten, and none is in two tables', () => {
    const tables = [seen, seenAsWaiting, unseen].flatMap((table) => Object.keys(table))
    expect(tables.toSorted()).toEqual(guardNames.toSorted())
    expect(Object.keys(guardMeanings).length).toBeGreaterThanOrEqual(20)
  })
})
