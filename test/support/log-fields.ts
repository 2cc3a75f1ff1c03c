import { readFileSync } from 'node:fs'

const logger = new URL('../../src/ports/logger.ts', import.meta.url)

/** Every field that a line may have, as the port lists them: `name: type`. */
export const logFields: readonly string[] = membersOf(readFileSync(logger, 'utf8'), 'LogFields')

const names = new Set(logFields.map((field) => field.split(':')[0]))

/** Throws for a field that nobody would look for. The compiler does not see those that come by a spread. */
export function checkLogFields(fields: object): void {
  const unknown = Object.keys(fields).filter((name) => !names.has(name))
  if (unknown.length > 0) throw new Error(`docs/logs.md knows no field ${unknown.join()}`)
}

/** The members of an interface in a source text: `name: type`. */
export function membersOf(source: string, type: string): readonly string[] {
  const [, body = ''] = source.split(`export interface ${type} `)
  const [members = ''] = body.split('\n}')
  return [...members.matchAll(/^ {2}readonly (\w+)\??: (\w+)/gm)].map(([, name, is]) => `${name}: ${is}`)
}
