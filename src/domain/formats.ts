import type { FormatOutput, Output, OutputFormat, Target, TemplateOutput } from './credential.ts'
import { unsendable } from './formats/bearer.ts'
import { claudeCode } from './formats/claude-code.ts'
import { dotenv } from './formats/dotenv.ts'
import { refused, rendered, type Format, type Rendering } from './formats/format.ts'
import { header } from './formats/header.ts'
import { oauth2Json } from './formats/oauth2-json.ts'
import { raw } from './formats/raw.ts'
import { vibekit } from './formats/vibekit.ts'
import { Sensitive } from './sensitive.ts'
import { renderTemplate } from './template/render-template.ts'
import { templateFields } from './formats/template-fields.ts'
import type { TextCodec } from './text-codec.ts'
import { seconds, type DurationSeconds } from './time.ts'
import type { AccessToken } from './tokens.ts'

const formats: Readonly<Record<OutputFormat, Format>> = {
  raw,
  header,
  dotenv,
  'oauth2-json': oauth2Json,
  vibekit,
  'claude-code': claudeCode,
}

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
    const key = outputKey(output)
    const rendering = files.has(key)
      ? refused(`another output has the key ${key} already`)
      : render(output, token, codec)
    if (!rendering.ok) return { ok: false, output, problem: rendering.problem }
    files.set(key, new Sensitive(rendering.content))
  }
  return { ok: true, files }
}

function render(output: Output, token: AccessToken, codec: TextCodec): Rendering {
  const problem = unsendable(token.value.reveal())
  if (problem !== undefined) return refused(problem)
  return isTemplate(output) ? fromTemplate(output, token, codec) : formats[output.format].render(token, output)
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

/** {@link outputKey} of each. */
export function outputKeys(outputs: readonly Output[]): readonly string[] {
  return outputs.map(outputKey)
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
  return fnv1a64(JSON.stringify([shapeRevision, target.name, target.creationPolicy, target.deletionPolicy, outputs]))
}

function digestParts(output: Output): readonly string[] {
  const form = isTemplate(output) ? ['template', output.template.text] : [output.format, output.variable ?? '']
  return [form[0] ?? '', outputKey(output), form[1] ?? '']
}

/** FNV-1a, 64 bits, over the UTF-16 units of `text`: 16 hexadecimal digits. */
function fnv1a64(text: string): string {
  let hash = 0xcbf29ce484222325n
  for (let at = 0; at < text.length; at += 1) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(at))) * 0x100000001b3n)
  }
  return hash.toString(16).padStart(16, '0')
}
