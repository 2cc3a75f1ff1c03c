import { setTimeout as sleep } from 'node:timers/promises'
import type { JournalFile } from './journal-file.ts'
import { decodeRecords, type JournalContent } from './journal-record.ts'
import { claimFile } from './process-claim.ts'

/** Two processes that open at the same time both step back; one of them is through at the next try. */
const claimTries = 5

/** Makes the journal this process's own, unless another one that lives has it. */
export async function claimJournal(file: string): Promise<ReturnType<typeof claimFile>> {
  for (let tries = 1; ; tries += 1) {
    const outcome = claimFile(file)
    if (outcome.kind === 'held' || tries === claimTries) return outcome
    await sleep(20 + 80 * Math.random())
  }
}

/** What earlier processes left in the journal, or why nobody may rely on it. */
export function journalContent(file: JournalFile): JournalContent {
  if (!file.isRegular()) return { kind: 'unreadable', problem: 'is not a regular file' }
  if (!file.isOurs()) return { kind: 'unreadable', problem: 'belongs to another user' }
  return decodeRecords(file.read())
}
