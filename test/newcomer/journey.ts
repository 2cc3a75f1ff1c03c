import { assertNoLeak, observeOutput } from '../support/canary.ts'

/** Why a step failed, and what the person who runs the path does about it. */
class StepFailed extends Error {
  readonly remedy: string

  constructor(why: string, remedy: string) {
    super(why)
    this.remedy = remedy
  }
}

export interface Step<T> {
  readonly name: string
  /** What to do when it fails. */
  readonly remedy: string
  readonly work: () => Promise<T>
}

/** A path of a newcomer, step by step: a line for each with the seconds that it took, and their sum at the end. */
export class Journey {
  #totalSeconds = 0

  constructor(title: string) {
    say(title)
  }

  /** Makes ready what a newcomer has already; its time does not count. */
  prepare<T>(step: Step<T>): Promise<T> {
    return this.#take(step, () => 'before')
  }

  async step<T>(step: Step<T>): Promise<T> {
    return this.#take(step, (seconds) => {
      this.#totalSeconds += seconds
      return secondsText(seconds)
    })
  }

  /** Prints the sum. @throws when anything that was printed holds a token. */
  end(what: string): void {
    say(`${secondsText(this.#totalSeconds)}  in all, ${what}`)
    assertNoLeak()
  }

  async #take<T>({ name, remedy, work }: Step<T>, label: (seconds: number) => string): Promise<T> {
    const began = performance.now()
    try {
      const done = await work()
      say(`${label((performance.now() - began) / 1000).padStart(columnWidth)}  ${name}`)
      return done
    } catch (error) {
      say(`${'FAILED'.padStart(columnWidth)}  ${name}, after ${secondsText((performance.now() - began) / 1000).trim()}`)
      throw new StepFailed(error instanceof Error ? error.message : 'no reason is known', remedy)
    }
  }
}

const columnWidth = 9

function secondsText(seconds: number): string {
  return `${seconds.toFixed(1)} s`.padStart(columnWidth)
}

function say(line: string): void {
  observeOutput('the path of a newcomer', line)
  console.log(line)
}

/** Runs a whole path. Exit code 1 when a step fails, with the reason and what helps. */
export async function walk(path: () => Promise<void>): Promise<void> {
  try {
    await path()
  } catch (error) {
    const { message, remedy } = error instanceof StepFailed ? error : { message: String(error), remedy: undefined }
    process.stderr.write(`\n${message}\n`)
    if (remedy !== undefined) process.stderr.write(`\nWhat to do: ${remedy}\n`)
    process.exitCode = 1
  }
}
