/** The part of a terminal's stream that is used. */
export interface Terminal {
  readonly columns: number
  readonly rows: number
  write(text: string): unknown
}

const hideCursor = '\x1b[?25l'
const showCursor = '\x1b[?25h'
const eraseToEndOfLine = '\x1b[K'
const eraseBelow = '\x1b[J'

/**
 * Lines at the bottom of a terminal that are written over in place.
 *
 * A frame is one write, and erases only what it does not write over, so nothing flickers. What was
 * printed before stays above.
 *
 * @see ECMA-48 §8.3: CUU, EL, ED
 */
export class TerminalScreen {
  readonly #terminal: Terminal
  #drawn: readonly string[] = []

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  /** No line may be wider than the terminal, nor may there be as many as it has rows. */
  draw(lines: readonly string[]): void {
    if (lines.join('\n') === this.#drawn.join('\n')) return
    const home = this.#drawn.length === 0 ? '\r' : `\r\x1b[${this.#drawn.length}A`
    const text = lines.map((line) => `${line}${eraseToEndOfLine}\n`).join('')
    this.#terminal.write(`${hideCursor}${home}${text}${eraseBelow}`)
    this.#drawn = lines
  }

  /** Leaves the last frame where it is, with the cursor below it. Idempotent. */
  end(): void {
    this.#terminal.write(showCursor)
    this.#drawn = []
  }
}
