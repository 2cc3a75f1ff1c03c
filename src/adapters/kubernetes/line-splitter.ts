import { StringDecoder } from 'node:string_decoder'

/** Cuts a byte stream into lines, whatever the chunks. Empty lines are passed over. */
export class LineSplitter {
  readonly #onLine: (line: string) => void
  readonly #decoder = new StringDecoder('utf8')
  /** Pieces of a line whose end has not come: joined once, so that a long line costs no repeated copies. */
  #pieces: string[] = []

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  push(chunk: Buffer): void {
    const text = this.#decoder.write(chunk)
    let start = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      this.#pieces.push(text.slice(start, end))
      start = end + 1
      this.#emit()
    }
    if (start < text.length) this.#pieces.push(text.slice(start))
  }

  #emit(): void {
    const line = this.#pieces.length === 1 ? (this.#pieces[0] ?? '') : this.#pieces.join('')
    this.#pieces = []
    if (line !== '') this.#onLine(line)
  }
}
