/** Everything that moves a cursor, ends a line, turns the reading direction or changes a terminal. */
const control = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu
const plainValue = /^[^\s"=]+$/

/** Turns a line of JSON into one line for a person: time, level, message, fields. */
export function prettyLine(json: string): string {
  const { time, level, msg, ...fields } = JSON.parse(json) as Readonly<Record<string, unknown>>
  const label = String(level).toUpperCase().padEnd(5)
  const pairs = Object.entries(fields).map(([name, value]) => ` ${printable(name)}=${valueText(String(value))}`)
  return `${String(time)} ${label} ${printable(String(msg))}${pairs.join('')}\n`
}

function valueText(text: string): string {
  const safe = printable(text)
  return plainValue.test(safe) ? safe : `"${safe.replaceAll('"', '\\"')}"`
}

function printable(text: string): string {
  return text.replace(control, (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`)
}
