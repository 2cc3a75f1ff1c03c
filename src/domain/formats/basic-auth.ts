import { rendered, type Format } from './format.ts'

/** The keys of a Secret of the type `kubernetes.io/basic-auth`: the token as the password, and the name of the user beside it. */
export const basicAuth: Format = {
  key: 'password',
  readerMarginSeconds: 0,
  parameters: { username: 'required' },
  beside: 'username',
  render: ({ text }) => rendered(text),
}
