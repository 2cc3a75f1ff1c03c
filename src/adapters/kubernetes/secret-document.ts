import { Sensitive } from '../../domain/sensitive.ts'
import { decodeSecretValue } from './secret-text.ts'

/**
 * The data of a Secret as a token document: a JSON object of its keys and what they say. Values that
 * are not UTF-8 text are no part of it, and so are never written.
 */
export function documentOf(data: ReadonlyMap<string, Sensitive>): Sensitive {
  const entries = [...data].flatMap(([key, encoded]) => {
    const value = decodeSecretValue(encoded)
    return value === undefined ? [] : [[key, value.reveal()] as const]
  })
  return new Sensitive(JSON.stringify(Object.fromEntries(entries)))
}

/** What has to become of the Secret's data so that one document becomes the other: key to base64 of the new text. */
export function changedData(from: Sensitive, to: Sensitive): ReadonlyMap<string, Sensitive> {
  const before = new Map(entriesOf(from))
  const changed = entriesOf(to).filter(([key, value]) => before.get(key) !== value)
  return new Map(changed.map(([key, value]) => [key, new Sensitive(Buffer.from(value, 'utf8').toString('base64'))]))
}

/** True when both say the same under the same keys. The API server sorts them, and so a key that we add is elsewhere. */
export function sameData(a: Sensitive, b: Sensitive): boolean {
  return changedData(a, b).size === 0 && changedData(b, a).size === 0
}

/** What of a document must not be repeated. */
export function valuesOf(document: Sensitive): readonly Sensitive[] {
  return entriesOf(document).map(([, value]) => new Sensitive(value))
}

/** Values of a document that {@link documentOf} made are strings, and stay so when tokens are replaced in it. */
function entriesOf(document: Sensitive): readonly (readonly [string, string])[] {
  return Object.entries(JSON.parse(document.reveal()) as Record<string, string>)
}
