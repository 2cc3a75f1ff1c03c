import { Sensitive } from '../../domain/sensitive.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** What a value of a Secret's data says, exactly; undefined when its bytes are not UTF-8. */
export function decodeSecretValue(base64: Sensitive): Sensitive | undefined {
  try {
    return new Sensitive(utf8.decode(Buffer.from(base64.reveal(), 'base64')))
  } catch {
    return undefined
  }
}
