import type { Output, Target, TemplateOutput } from './credential.ts'
import { notBearer, unsendable } from './formats/bearer.ts'
import { refused, rendered, type Format, type Rendering } from './formats/format.ts'
import { isWellFormed } from './formats/parameter-syntax.ts'
import { formats } from './formats/registry.ts'
import { templateFields } from './formats/template-fields.ts'
import { formatParameters, type FormatOutput, type FormatParameter, type OutputFormat } from './output-format.ts'
import { Sensitive, sameSecret } from './sensitive.ts'
import { renderTemplate } from './template/render-template.ts'
import type { TextCodec } from './text-codec.ts'
import { type DurationSeconds, epochSeconds, seconds } from './time.ts'
import type { AccessToken } from './tokens.ts'

/** Raised when a format's file changes its shape, so that targets written by an older operator are written again. */
const shapeRevision = 1

/** The files of a target, or the first output that cannot carry the token and why. */
export type RenderedOutputs =
  | { readonly ok: true; readonly files: ReadonlyMap<string, Sensitive> }
  /** `problem` is a clause without a period. It never holds the token or a part of it. */
  | { readonly ok: false; readonly output: Output; readonly problem: string }

/**
 * Renders every output of a target, or none. A token that a format's reader would not read back
 * unchanged is refused, never written broken. No file holds a refresh token: that is not even an argument.
 */
export function renderOutputs(outputs: readonly Output[], token: AccessToken, codec: TextCodec): RenderedOutputs {
  const files = new Map<string, Sensitive>()
  for (const output of outputs) {
    const taken = keysOf(output).find((key) => files.has(key))
    const rendering =
      taken === undefined ? render(output, token, codec) : refused(`another output has the key ${taken} already`)
    if (!rendering.ok) return { ok: false, output, problem: rendering.problem }
    files.set(outputKey(output), new Sensitive(rendering.content))
    const beside = besideOf(output)
    if (beside !== undefined) files.set(beside.key, new Sensitive(beside.content))
  }
  return { ok: true, files }
}

function render(output: Output, token: AccessToken, codec: TextCodec): Rendering {
  const text = token.value.reveal()
  const problem = unsendable(text)
  if (problem !== undefined) return refused(problem)
  if (isTemplate(output)) return fromTemplate(output, token, codec)
  const format = formats[output.format]
  const unfit = badParameter(format, output) ?? (format.anyTokenType ? undefined : notBearer(token))
  return unfit === undefined ? format.render({ text, token, output, codec }) : refused(unfit)
}

/** What the schema has refused before; nothing may get into a file by another way. */
function badParameter({ parameters = {} }: Format, output: FormatOutput): string | undefined {
  const bad = formatParameters.find((name) => {
    const absent = output[name] === undefined
    return parameters[name] !== undefined && !(absent && parameters[name] === 'optional') && !isWellFormed(name, output)
  })
  return bad === undefined ? undefined : `it names no valid ${bad}`
}

/** The file that a format writes beside its own. */
function besideOf(output: Output): { readonly key: string; readonly content: string } | undefined {
  const key = isTemplate(output) ? undefined : formats[output.format].beside
  return key === undefined || isTemplate(output) ? undefined : { key, content: output[key] ?? '' }
}

function fromTemplate({ template }: TemplateOutput, token: AccessToken, codec: TextCodec): Rendering {
  const result = renderTemplate(template, templateFields(token), codec)
  return result.ok ? rendered(result.text) : refused(result.message)
}

/** The files of a token that does not exist yet, as far as their form can be told without it: what a template refuses is left to the token. */
export function rehearsedOutputs(outputs: readonly Output[], token: AccessToken, codec: TextCodec): RenderedOutputs {
  return renderOutputs(outputs.map(withoutTemplate), token, codec)
}

function withoutTemplate(output: Output): Output {
  return isTemplate(output) ? { format: 'raw', key: output.key } : output
}

/** True when the outputs say nothing of an access token but itself and its times. */
export function carryTokenAlone(outputs: readonly Output[], codec: TextCodec): boolean {
  const value = new Sensitive('0')
  const times = { issuedAt: epochSeconds(0), expiresAt: epochSeconds(1) }
  const [one, other] = [
    renderOutputs(outputs, { value, ...times, tokenType: 'Bearer', scopes: [] }, codec),
    renderOutputs(outputs, { value, ...times, tokenType: 'other', scopes: ['other'], idToken: value }, codec),
  ] as const
  return one.ok && other.ok && [...one.files].every(([key, file]) => isSameFile(file, other.files.get(key)))
}

function isSameFile(one: Sensitive, other: Sensitive | undefined): boolean {
  return other !== undefined && sameSecret(one, other)
}

/** Which output it is, for messages: its format, or the key that its template is for. */
export function outputText(output: Output): string {
  return isTemplate(output) ? `with the key ${output.key}` : output.format
}

/** The format of an output; `template` where it has none. */
export function formatOf(output: Output): OutputFormat | 'template' {
  return isTemplate(output) ? 'template' : output.format
}

function isTemplate(output: Output | Pick<FormatOutput, 'format' | 'key'>): output is TemplateOutput {
  return 'template' in output
}

/** The data key of the target that an output is written to: its own, or the format's. */
export function outputKey(output: TemplateOutput | Pick<FormatOutput, 'format' | 'key'>): string {
  return isTemplate(output) ? output.key : (output.key ?? formats[output.format].key)
}

/** Every data key of the target that the outputs are written to. */
export function outputKeys(outputs: readonly Output[]): readonly string[] {
  return outputs.flatMap(keysOf)
}

function keysOf(output: Output): readonly string[] {
  const beside = besideOf(output)
  return [outputKey(output), ...(beside === undefined ? [] : [beside.key])]
}

/** What a format demands of an output: the parameters that it needs and may have, the key of the file beside its own. */
export interface FormatDemands {
  readonly required: readonly FormatParameter[]
  readonly optional: readonly FormatParameter[]
  readonly hostWithoutPort: boolean
  readonly beside?: string
}

export function formatDemands(format: OutputFormat): FormatDemands {
  const { parameters = {}, hostWithoutPort = false, beside } = formats[format]
  const named = (need: 'required' | 'optional') => formatParameters.filter((name) => parameters[name] === need)
  return {
    required: named('required'),
    optional: named('optional'),
    hostWithoutPort,
    ...(beside !== undefined && { beside }),
  }
}

/** How early, before its expiry, the most cautious reader of these files treats the token as dead. */
export function readerMargin(outputs: readonly Output[]): DurationSeconds {
  return seconds(Math.max(0, ...outputs.map(marginOf)))
}

function marginOf(output: Output): number {
  return isTemplate(output) ? 0 : formats[output.format].readerMarginSeconds
}

/**
 * Identifies a target's configuration: name, outputs and policies. Equal for equal configurations
 * in every process and release, different otherwise but for chance. Nothing secret goes in, so it
 * need not resist anybody.
 */
export function targetDigest(target: Target): string {
  const outputs = target.outputs.map(digestParts)
  const { name, creationPolicy, deletionPolicy } = target
  const later = [
    ...markParts(target),
    ...(target.type === undefined ? [] : [target.type]),
    ...(target.previous === undefined ? [] : [{ previous: target.previous.key }]),
  ]
  return fnv1a64(JSON.stringify([shapeRevision, name, creationPolicy, deletionPolicy, outputs, ...later]))
}

/**
 * Identifies what readers of a target find beside the token: its name and its outputs, and neither policies nor marks.
 * Without the revision of shapes: else the release that raises it would restart every workload at once.
 */
export function contentsDigest({ name, outputs, previous }: Target): string {
  const later = previous === undefined ? [] : [previous.key]
  return fnv1a64(JSON.stringify([name, outputs.map(digestParts), ...later]))
}

/** There only where they are used, in an order of their own. */
function markParts({ labels = {}, annotations = {} }: Target): readonly unknown[] {
  const [first, second] = [labels, annotations].map((marks) =>
    Object.entries(marks).sort(([a], [b]) => (a < b ? -1 : 1)),
  )
  return first?.length === 0 && second?.length === 0 ? [] : [first, second]
}

function digestParts(output: Output): readonly string[] {
  if (isTemplate(output)) return ['template', output.key, output.template.text]
  // The variable has a place of its own since the first release; what came later is there only where it is used.
  const later = formatParameters.flatMap((name) =>
    name === 'variable' || output[name] === undefined ? [] : [`${name}=${output[name]}`],
  )
  return [output.format, outputKey(output), output.variable ?? '', ...later]
}

/** FNV-1a, 64 bits, over the UTF-16 units of `text`: 16 hexadecimal digits. */
function fnv1a64(text: string): string {
  let hash = 0xcbf29ce484222325n
  for (let at = 0; at < text.length; at += 1) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(at))) * 0x100000001b3n)
  }
  return hash.toString(16).padStart(16, '0')
}
