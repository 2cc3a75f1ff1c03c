import { rendered, type Format } from './format.ts'

/** The bare token, without a newline: not every reader trims. */
export const raw: Format = {
  key: 'access_token',
  readerMarginSeconds: 0,
  anyTokenType: true,
  render: ({ text }) => rendered(text),
}
