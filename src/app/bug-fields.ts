/** What a log may say of a bug: its kind, and the first lines of its stack. Its message may quote what was being parsed. */
export function bugFields(bug: unknown): { readonly kind: string; readonly at: string } {
  const stack = bug instanceof Error ? (bug.stack ?? '') : ''
  const at = stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 5)
    .map((line) => line.trim())
    .join(' < ')
  return { kind: bug instanceof Error ? bug.name : typeof bug, at }
}
