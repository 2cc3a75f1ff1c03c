import { systemTextCodec } from '../../src/adapters/system/text-codec.ts'
import type { FormatOutput } from '../../src/domain/output-format.ts'
import { outputKey, renderOutputs } from '../../src/domain/formats.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { epochSeconds } from '../../src/domain/time.ts'
import { issuedAt } from './format-readers.ts'

/** The file of an output for a bearer token with the text; undefined when it is refused. */
export function renderedFormat(output: FormatOutput, text: string, lifetime = 3600): string | undefined {
  const token = {
    value: new Sensitive(text),
    tokenType: 'Bearer',
    issuedAt: epochSeconds(issuedAt),
    expiresAt: epochSeconds(issuedAt + lifetime),
    scopes: [],
  }
  const result = renderOutputs([output], token, systemTextCodec)
  return result.ok ? result.files.get(outputKey(output))?.reveal() : undefined
}
