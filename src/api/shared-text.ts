const mostTexts = 2_000
const longestText = 200
const texts = new Map<string, string>()

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
