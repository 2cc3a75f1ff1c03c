import * as z from 'zod'
import { parseTemplate } from '../domain/template/parse-template.ts'
import { templateLimits } from '../domain/template/template.ts'

/** The text of a template. The API server knows its length alone; what is wrong inside is told in the status. */
export const templateText = z
  .string()
  .min(1, { abort: true })
  .max(templateLimits.characters, { abort: true })
  .superRefine((text, context) => {
    const parsed = parseTemplate(text)
    if (!parsed.ok) context.addIssue({ code: 'custom', message: `must be a template: ${parsed.message}` })
  })
