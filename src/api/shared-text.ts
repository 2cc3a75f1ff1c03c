const mostTexts = 2_000
const longestText = 200
const texts = new Map<string, string>()
const values = new Map<string, unknown>()

/**
 * The same text, as one and the same string for everybody who has it: what ten thousand statuses say
 * alike (a condition's reason, mostly its message too) would else be in memory ten thousand times.
 */
export function sharedText(text: string): string {
  const known = texts.get(text)
  if (known !== undefined) return known
  if (text.length > longestText) return text
  if (texts.size >= mostTexts) texts.clear()
  texts.set(text, text)
  return text
}

/** The same for a value of plain members that nobody changes: which store a spec refers to, what it wants published. */
export function sharedValue<T extends object>(value: T): T {
  const text = JSON.stringify(value)
  const known = values.get(text)
  if (known !== undefined) return known as T
  if (text.length > longestText) return value
  if (values.size >= mostTexts) values.clear()
  values.set(text, value)
  return value
}
