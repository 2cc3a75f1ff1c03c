/** Breaks a line between words so that no part is wider than `width`; a word that is wider itself is cut. */
export function wrapped(line: string, width: number, indent: string): readonly string[] {
  const lines: string[] = []
  let rest = line
  while (rest.length > width) {
    const room = rest.slice(0, width + 1)
    const space = room.lastIndexOf(' ')
    const end = space > indent.length ? space : width
    lines.push(rest.slice(0, end).trimEnd())
    rest = `${indent}${rest.slice(end).trimStart()}`
  }
  return [...lines, rest]
}
