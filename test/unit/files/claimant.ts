import { claimFile } from '../../../src/adapters/files/process-claim.ts'

// A process to be killed: claims a path, says how that went, and waits.
const outcome = claimFile(process.argv[2] ?? '')
process.stdout.write(`${outcome.kind === 'held' ? 'held' : outcome.by}\n`)
process.stdin.resume()
