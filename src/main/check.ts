import { setTimeout as sleep } from 'node:timers/promises'
import { askProbe } from '../adapters/system/ask-probe.ts'
import { SystemClock } from '../adapters/system/system-clock.ts'
import type { CheckFlags } from '../cli/check-command.ts'

const pauseMs = 500

/** Asks until the answer is good or the time is over, and prints the last one. Exit code 1 when it is not good. */
export async function check({ url, wait }: CheckFlags): Promise<void> {
  const clock = new SystemClock()
  const end = clock.monotonicMs() + wait * 1000
  let answer = await askProbe(url)
  while (!answer.ok && clock.monotonicMs() + pauseMs <= end) {
    await sleep(pauseMs)
    answer = await askProbe(url)
  }
  process.stdout.write(`${url.href}: ${answer.text}\n`)
  process.exitCode = answer.ok ? 0 : 1
}
