/** The known name that was probably meant; undefined when none is close. */
export function nearMiss(written: string, known: readonly string[]): string | undefined {
  const lower = written.toLowerCase()
  const limit = written.length <= 4 ? 1 : 2
  const near = known
    .map((name) => ({ name, distance: editDistance(lower, name.toLowerCase(), limit) }))
    .filter(({ distance }) => distance <= limit)
    .toSorted((a, b) => a.distance - b.distance)
  return near[0]?.name
}

/** Levenshtein distance, 1 for letters in another order; more than `limit` when it is surely more. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  if (letters(a) === letters(b)) return 1
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? limit + 1
}

function letters(text: string): string {
  return text.split('').toSorted().join('')
}
