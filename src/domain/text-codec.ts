/** What formats do to text that the language itself has no means for. Pure. */
export interface TextCodec {
  /** The UTF-8 bytes of the text in base64, RFC 4648 §4, with padding. */
  toBase64(text: string): string
  /** The text that {@link toBase64} was given; undefined for what is not base64 with padding, or not UTF-8. Line ends are skipped. */
  fromBase64(encoded: string): string | undefined
  /** SHA-256 of the UTF-8 bytes, 64 hexadecimal digits. */
  sha256(text: string): string
}
