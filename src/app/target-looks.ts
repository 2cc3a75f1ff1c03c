import { type EpochSeconds, later, latest, seconds } from '../domain/time.ts'

/** Between two looks at one target that something happened to, doubling while something goes on happening. */
const firstPauseSeconds = 1
const longestPauseSeconds = 600
/** A target that was left alone for so long is looked at at once again. */
const quietSeconds = 600

interface Look {
  readonly at: EpochSeconds
  readonly pauseSeconds: number
}

/**
 * At which targets somebody was seen to do something, so that they are looked at before their time. Two that put a
 * target back in turns, the operator and another controller, do so ever more seldom.
 */
export class TargetLooks {
  readonly #wanted = new Map<string, EpochSeconds>()
  readonly #last = new Map<string, Look>()

  /** When the target of this credential may be looked at. Asking twice asks for one look. */
  ask(text: string, now: EpochSeconds): EpochSeconds {
    const last = this.#last.get(text)
    // A look that lies ahead was made before the clock was set back.
    const isFirst = last === undefined || last.at > now
    const at = isFirst ? now : latest(now, later(last.at, seconds(last.pauseSeconds)))
    this.#wanted.set(text, at)
    return at
  }

  /** True when a look was asked for, and is made now. */
  take(text: string, now: EpochSeconds): boolean {
    const at = this.#wanted.get(text)
    if (at === undefined || at > now) return false
    this.#wanted.delete(text)
    const pauseSeconds = this.#pauseAfter(this.#last.get(text), now)
    this.#forgetQuiet(now)
    this.#last.set(text, { at: now, pauseSeconds })
    return true
  }

  /** Of a credential that is gone. */
  forget(text: string): void {
    this.#wanted.delete(text)
    this.#last.delete(text)
  }

  #pauseAfter(last: Look | undefined, now: EpochSeconds): number {
    if (last === undefined || now >= later(last.at, seconds(last.pauseSeconds + quietSeconds))) return firstPauseSeconds
    return Math.min(longestPauseSeconds, last.pauseSeconds * 2)
  }

  /** The oldest come first. */
  #forgetQuiet(now: EpochSeconds): void {
    for (const [text, { at }] of this.#last) {
      if (now < later(at, seconds(longestPauseSeconds + quietSeconds))) return
      this.#last.delete(text)
    }
  }
}
