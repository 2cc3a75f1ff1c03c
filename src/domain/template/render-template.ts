import type { TextCodec } from '../text-codec.ts'
import { textOf, templateFunctions } from './template-functions.ts'
import {
  problemAt,
  templateLimits,
  type Call,
  type Command,
  type FieldName,
  type Operand,
  type Template,
  type TemplateProblem,
  type TemplateValue,
} from './template.ts'

/** The value of each field; those that a token does not have are absent. */
export type TemplateFields = Readonly<Partial<Record<FieldName, TemplateValue>>>

export type RenderedTemplate = { readonly ok: true; readonly text: string } | TemplateProblem

type Evaluation =
  | { readonly ok: true; readonly value: TemplateValue | undefined }
  | { readonly ok: false; readonly message: string; readonly at: number }

/**
 * Renders a template. A field that the token does not have is refused unless `default` takes its
 * place: half a file is worse than none. Pure; ends after as many steps as the template has
 * commands, and never holds more than a few times {@link templateLimits} in memory.
 */
export function renderTemplate(template: Template, fields: TemplateFields, codec: TextCodec): RenderedTemplate {
  let text = ''
  for (const part of template.parts) {
    const value = typeof part === 'string' ? ({ ok: true, value: part } as const) : pipelineValue(part, fields, codec)
    if (!value.ok) return problemAt(template.text, value.at, value.message)
    text += textOf(value.value)
    if (text.length > templateLimits.output) {
      return problemAt(template.text, 0, `what it writes is longer than ${templateLimits.output} characters`)
    }
  }
  return { ok: true, text }
}

function pipelineValue(pipeline: readonly Command[], fields: TemplateFields, codec: TextCodec): Evaluation {
  let piped: Argument[] = []
  for (const command of pipeline) {
    const evaluation =
      command.type === 'call'
        ? callValue(command, [...command.operands.map((operand) => argumentOf(operand, fields)), ...piped], codec)
        : ({ ok: true, value: fieldOrLiteral(command, fields) } as const)
    if (!evaluation.ok) return evaluation
    piped = [{ value: evaluation.value, source: command }]
  }
  const [last] = piped
  return last?.value === undefined ? missing(last?.source) : { ok: true, value: last.value }
}

/** A value with what it came from, for the message when there is none. */
interface Argument {
  readonly value: TemplateValue | undefined
  readonly source: Command
}

function callValue(call: Call, given: readonly Argument[], codec: TextCodec): Evaluation {
  // What `default` stands in for is its last argument, and the only one that may be absent.
  const needed = call.name === 'default' ? given.slice(0, -1) : given
  const absent = needed.find(({ value }) => value === undefined)
  if (absent !== undefined) return missing(absent.source)
  const value = templateFunctions[call.name](
    given.map((argument) => argument.value ?? ''),
    codec,
  )
  if (value === undefined) return { ok: false, message: `${call.name} cannot read what it is given`, at: call.at }
  return textOf(value).length > templateLimits.output
    ? { ok: false, message: `${call.name} makes more than ${templateLimits.output} characters`, at: call.at }
    : { ok: true, value }
}

function argumentOf(operand: Operand, fields: TemplateFields): Argument {
  return { value: fieldOrLiteral(operand, fields), source: operand }
}

function fieldOrLiteral(operand: Operand, fields: TemplateFields): TemplateValue | undefined {
  return operand.type === 'literal' ? operand.value : fields[operand.name]
}

function missing(source: Command | undefined): Evaluation {
  const what = source?.type === 'field' ? `the token has no .${source.name}` : 'a value is missing'
  return { ok: false, message: `${what}; the function default can stand in for it`, at: source?.at ?? 0 }
}
