import { describe, expect, it } from 'vitest'
import { TerminalScreen } from '../../../scripts/demo/terminal-screen.ts'

const escape = '\x1b'
const sequenceOrCharacter = new RegExp(`${escape}\\[\\??\\d*[A-Za-z]|[^]`, 'g')

/** Understands what the screen writes, and nothing else. */
class FakeTerminal {
  readonly columns = 80
  readonly rows = 24
  readonly lines: string[] = []
  cursorShown = true
  writes = 0
  #row = 0
  #column = 0

  write(text: string): void {
    this.writes += 1
    for (const [token] of text.matchAll(sequenceOrCharacter)) this.#take(token)
  }

  #take(token: string): void {
    const line = this.lines[this.#row] ?? ''
    if (token === '\r') this.#column = 0
    else if (token === '\n') [this.#row, this.#column] = [this.#row + 1, 0]
    else if (token === '\x1b[K') this.lines[this.#row] = line.slice(0, this.#column)
    else if (token === '\x1b[J') this.lines.splice(this.#row)
    else if (token === '\x1b[?25l') this.cursorShown = false
    else if (token === '\x1b[?25h') this.cursorShown = true
    else if (token.endsWith('A')) this.#row -= Number(token.slice(2, -1))
    else if (token.startsWith('\x1b')) throw new Error('a sequence that terminals were not asked for before')
    else {
      this.lines[this.#row] = line.slice(0, this.#column) + token + line.slice(this.#column + 1)
      this.#column += 1
    }
  }
}

describe('lines that are written over in place', () => {
  it('leave no trace of the frame before, and all of what was printed before', () => {
    const terminal = new FakeTerminal()
    terminal.write('printed before\n')
    const screen = new TerminalScreen(terminal)
    screen.draw(['a long first line', 'second', 'third'])
    expect(terminal.lines).toEqual(['printed before', 'a long first line', 'second', 'third'])
    expect(terminal.cursorShown).toBe(false)
    screen.draw(['short', 'second'])
    expect(terminal.lines).toEqual(['printed before', 'short', 'second'])
    screen.end()
    terminal.write('after\n')
    expect(terminal.lines).toEqual(['printed before', 'short', 'second', 'after'])
    expect(terminal.cursorShown).toBe(true)
  })

  it('are one write for a frame, and none for the same frame again', () => {
    const terminal = new FakeTerminal()
    const screen = new TerminalScreen(terminal)
    screen.draw(['one', 'two'])
    screen.draw(['one', 'two'])
    expect(terminal.writes).toBe(1)
  })
})
