import { writeFileSync } from 'node:fs'

// Loaded into the controller's process. Between two SIGUSR2 it looks, every millisecond, how much CPU time the main
// thread has used since it last could: that is how long another request would have waited on a machine with nothing
// else to do. Without the signal it does nothing.

const result = process.env['BENCH_STRETCH_FILE'] ?? ''
let timer: NodeJS.Timeout | undefined
let longest = 0
let before = usedMicroseconds()

process.on('SIGUSR2', () => {
  if (timer === undefined) {
    longest = 0
    before = usedMicroseconds()
    timer = setInterval(look, 1).unref()
    return
  }
  look()
  clearInterval(timer)
  timer = undefined
  writeFileSync(result, String(longest))
})

function look(): void {
  const used = usedMicroseconds()
  longest = Math.max(longest, used - before)
  before = used
}

function usedMicroseconds(): number {
  const { user, system } = process.threadCpuUsage()
  return user + system
}
