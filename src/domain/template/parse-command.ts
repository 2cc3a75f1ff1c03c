import { fieldNames, functionArity, type Command, type FunctionName, type FieldName, type Operand } from './template.ts'
import type { Objection, Word } from './words.ts'

type OneCommand = { readonly ok: true; readonly command: Command } | Objection
type Operands = { readonly ok: true; readonly operands: readonly Operand[] } | Objection

/** The command that `words` are; `at` tells where it begins when there are none. `piped`: another one comes before it. */
export function commandOf(at: number, words: readonly Word[], piped: boolean): OneCommand {
  const [first, ...rest] = words
  if (first === undefined) return { ok: false, message: 'a field or a function is missing', at }
  if (first.type === 'name') return callOf(first.text, first.at, rest, piped)
  if (piped)
    return { ok: false, message: 'a value cannot be piped into a value; a function has to follow', at: first.at }
  const operands = operandsOf([first])
  if (!operands.ok) return operands
  const [operand] = operands.operands
  const [superfluous] = rest
  if (superfluous !== undefined) return { ok: false, message: 'a value takes no arguments', at: superfluous.at }
  return operand === undefined
    ? { ok: false, message: 'a field or a function is missing', at }
    : { ok: true, command: operand }
}

function callOf(name: string, at: number, words: readonly Word[], piped: boolean): OneCommand {
  if (!isFunctionName(name)) return { ok: false, message: unknownFunction(name), at }
  const operands = operandsOf(words)
  if (!operands.ok) return operands
  const given = operands.operands.length + (piped ? 1 : 0)
  const arity = functionArity[name]
  if (given === arity) return { ok: true, command: { type: 'call', name, operands: operands.operands, at } }
  return { ok: false, message: `${name} takes ${arity} argument${arity === 1 ? '' : 's'}, not ${given}`, at }
}

function operandsOf(words: readonly Word[]): Operands {
  const operands: Operand[] = []
  for (const word of words) {
    if (word.type === 'literal') operands.push(word)
    else if (word.type === 'field' && isFieldName(word.text))
      operands.push({ type: 'field', name: word.text, at: word.at })
    else return { ok: false, message: notAnOperand(word), at: word.at }
  }
  return { ok: true, operands }
}

function notAnOperand(word: Word): string {
  if (word.type === 'field') return `the field .${shown(word.text)} is unknown; there are ${fieldsText}`
  return 'a function cannot be an argument; use a pipeline'
}

const fieldsText = fieldNames.map((name) => `.${name}`).join(', ')

function unknownFunction(name: string): string {
  return `the function ${shown(name)} is unknown; there are ${Object.keys(functionArity).join(', ')}`
}

/** A name as a message can hold it. */
function shown(name: string): string {
  return name.length > 32 ? `${name.slice(0, 32)}…` : name
}

function isFunctionName(name: string): name is FunctionName {
  return Object.hasOwn(functionArity, name)
}

function isFieldName(name: string): name is FieldName {
  return fieldNames.some((known) => known === name)
}
