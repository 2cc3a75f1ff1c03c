import { commandOf } from './parse-command.ts'
import {
  problemAt,
  templateLimits,
  type Command,
  type Template,
  type TemplatePart,
  type TemplateProblem,
} from './template.ts'
import { stringEnd, wordsOf, type Objection, type Word } from './words.ts'

export type ParsedTemplate = { readonly ok: true; readonly template: Template } | TemplateProblem

type Action =
  | { readonly ok: true; readonly pipeline?: readonly Command[]; readonly end: number; readonly trim: boolean }
  | Objection

/**
 * Reads a template, or says where it stops being one. Pure and bounded: nothing makes it throw, and a
 * text that is too long is not looked at.
 */
export function parseTemplate(text: string): ParsedTemplate {
  if (text.length > templateLimits.characters) {
    return problemAt(text, 0, `it has more than ${templateLimits.characters} characters`)
  }
  const parts: TemplatePart[] = []
  let from: From = { end: 0, trim: false }
  for (let open = text.indexOf('{{'); open !== -1; open = text.indexOf('{{', from.end)) {
    parts.push(textBetween(text, from, open))
    const action = readAction(text, open)
    if (!action.ok) return problemAt(text, action.at, action.message)
    if (action.pipeline !== undefined) parts.push(action.pipeline)
    from = action
  }
  parts.push(textBetween(text, from, text.length))
  return bounded({ text, parts: parts.filter((part) => part !== '') })
}

/** Where the last action ended, and whether it takes away the white space that follows. */
interface From {
  readonly end: number
  readonly trim: boolean
}

function textBetween(text: string, { end, trim }: From, open: number): string {
  const between = text.slice(end, open)
  const trimmed = trim ? between.replace(/^[ \t\r\n]+/, '') : between
  return trimsBefore(text, open) ? trimmed.replace(/[ \t\r\n]+$/, '') : trimmed
}

function bounded(template: Template): ParsedTemplate {
  const commands = template.parts.reduce((sum, part) => sum + (typeof part === 'string' ? 0 : part.length), 0)
  return commands <= templateLimits.commands
    ? { ok: true, template }
    : problemAt(template.text, 0, `it has more than ${templateLimits.commands} fields and functions`)
}

/** `{{- ` takes the white space before the action away, and ` -}}` that after it. */
function trimsBefore(text: string, open: number): boolean {
  return /^\{\{-[ \t\r\n]/.test(text.slice(open, open + 4))
}

function readAction(text: string, open: number): Action {
  const start = open + (trimsBefore(text, open) ? 3 : 2)
  const comment = /\/\*[^]*?\*\/([ \t\r\n]-)?\}\}/y
  comment.lastIndex = start === open + 3 ? start + 1 : start
  const commented = comment.exec(text)
  if (commented !== null) return { ok: true, end: comment.lastIndex, trim: commented[1] !== undefined }
  const close = actionEnd(text, start)
  if (close === undefined) return { ok: false, message: 'an action does not end', at: open }
  const trim = /[ \t\r\n]-$/.test(text.slice(start, close))
  const read = wordsOf(text, start, trim ? close - 1 : close)
  if (!read.ok) return read
  const pipeline = pipelineOf(open, read.words)
  return pipeline.ok ? { ok: true, pipeline: pipeline.commands, end: close + 2, trim } : pipeline
}

/** The index of the `}}` that ends an action: not of one inside a string. */
function actionEnd(text: string, start: number): number | undefined {
  let at = start
  while (at < text.length) {
    if (text.startsWith('}}', at)) return at
    const quoted = text[at] === '"' || text[at] === '`'
    const next = quoted ? stringEnd(text, at, text.length) : at + 1
    if (next === undefined) return text.indexOf('}}', at) === -1 ? undefined : text.indexOf('}}', at)
    at = next
  }
  return undefined
}

type Pipeline = { readonly ok: true; readonly commands: readonly Command[] } | Objection

function pipelineOf(open: number, words: readonly Word[]): Pipeline {
  const commands: Command[] = []
  for (const { at, rest } of splitAtPipes(open, words)) {
    const read = commandOf(at, rest, commands.length > 0)
    if (!read.ok) return read
    commands.push(read.command)
  }
  return { ok: true, commands }
}

/** The words between pipes, each with the index of what is before them. */
function splitAtPipes(open: number, words: readonly Word[]): readonly { readonly at: number; readonly rest: Word[] }[] {
  const split = [{ at: open, rest: [] as Word[] }]
  for (const word of words) {
    if (word.type === 'pipe') split.push({ at: word.at, rest: [] })
    else split.at(-1)?.rest.push(word)
  }
  return split
}
