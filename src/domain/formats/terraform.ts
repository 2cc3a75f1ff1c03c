import { renderedJson, type Format } from './format.ts'

/** What `terraform login` writes: the token of one host. */
export const terraform: Format = {
  key: 'credentials.tfrc.json',
  readerMarginSeconds: 0,
  parameters: { host: 'required' },
  render: ({ text, output: { host = '' } }) => renderedJson({ credentials: { [host]: { token: text } } }),
}
