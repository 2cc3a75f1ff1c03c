import type { Dialect } from './token-answer-dialect.ts'
import { business } from './token-answer-dialects-business.ts'
import { identity } from './token-answer-dialects-identity.ts'
import { models } from './token-answer-dialects-models.ts'
import { platforms } from './token-answer-dialects-platforms.ts'

/** By provider. */
export const dialects: Readonly<Record<string, Dialect>> = { ...platforms, ...business, ...identity, ...models }
