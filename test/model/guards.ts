/** What each guard of the refresh protocol does. The model's steps ask for them by name, so that one can be taken out. */
export const guardMeanings = {
  armBeforeSend: 'a refresh token is sent only after an intent for it was written into the record',
  armComparesVersion: 'arming replaces only the version of the record that was judged',
  armReadBack: 'an arming write without an answer is read back before it counts',
  armedIntentRespected: 'an intent that another holder armed is not armed over',
  takeoverNeedsHolderGone: 'an intent is taken over only when the journal of its holder is certainly gone',
  takeoverWaits: 'an intent is taken over only after send window and response timeout have passed unchanged',
  fenceDeadline: 'the send window is checked on the monotonic clock right before the request is written',
  fenceCountsFromArmStart: 'the send window counts from before the arming write, not from its answer',
  documentProvenAfterRecord:
    'the document is proven to be still the current one after the record was read and its holder found gone',
  spentNotPresented: 'a refresh token whose fingerprint is among the spent ones is not presented',
  generationCompared:
    'a document that we wrote ourselves, of an older generation than the record, is not taken for a new login',
  retainedKept: 'the newest refresh token stays in the record after the store has it',
  storeComparesVersion: 'the store replaces only the version that was read',
  storeVersionsUnique:
    'a version number that a rolled-back store gives out again is not taken for the one that was read',
  humanWins: 'a refresh token that the record does not know is not overwritten',
  overtakenNotWritten: 'after a conflict the store gets a refresh token only while the record retains that one',
  replacedIntentSpent:
    'the refresh token of an intent that is replaced by one on another refresh token counts as spent',
  voidedRemembered: 'what a human login made void is remembered as spent',
  journalSentBeforeSend: 'the local journal says that a request may have left before it leaves',
  journalBeforeUse: 'an answer is in the local journal before anything is done with it',
  salvageBeforeParse: 'a whole refresh token in a damaged answer is kept',
  waitForAnswer: 'nothing of ours ends a request that has left, before the response timeout',
  durableBeforePublish: 'an access token is published only when its refresh token is in the record or the store',
  retainedAdopted:
    'a credential that is due publishes what the record retains and the target lacks, rather than to refresh again',
  olderNotPublished: 'an access token is not published over one of a later refresh',
  durableBeforeSettle: 'the local journal is cleared only when record and store have the refresh token',
  recordMerged: 'a commit into a record that has changed keeps what others found since',
  recordReadBack: 'a commit into the record without an answer is repeated until it is known',
  storeReadBack: 'a write into the store without an answer is read back',
  refusalRemembered: 'a refresh token that was refused is remembered in the record and not presented again',
  uncertaintyKept: 'a request without an answer leaves an intent without holder, not none',
  uncertaintySurvivesDisarm: 'an intent that was uncertain before it was armed is uncertain again when it is disarmed',
  recoveryAtStart: 'every process resolves its local journal when it starts, leader or not',
  ownIntentsReviewed:
    'a running process takes an intent of its own that it is not at for uncertain, not only when it starts',
  earlierJournalOfOwnPod: "a process takes an intent of its own Pod's earlier, lost journal for uncertain",
  claimBeforeSpending: 'a document is claimed before its refresh token is presented',
  claimHonoured: 'a refresh token whose document another owner claimed is not presented',
  claimTakeoverDrained:
    'the claim of a living owner is taken over only when that owner is suspended and its store is up to date',
} as const

export type GuardName = keyof typeof guardMeanings
export type Guards = { readonly [name in GuardName]: boolean }

export const guardNames = Object.keys(guardMeanings) as GuardName[]

/** The protocol with these guards taken out. */
export function guardsWithout(...removed: readonly GuardName[]): Guards {
  return Object.fromEntries(guardNames.map((name) => [name, !removed.includes(name)])) as Guards
}
