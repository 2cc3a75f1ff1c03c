import { renderedJson, type Format } from './format.ts'

/**
 * The configuration of docker with one login. `auth` alone, because it wins over `username` and
 * `password`; never `identitytoken`, which docker spends as a refresh token.
 */
export const dockerConfig: Format = {
  key: '.dockerconfigjson',
  readerMarginSeconds: 0,
  parameters: { host: 'required', username: 'required' },
  render: ({ text, output: { host = '', username }, codec }) =>
    renderedJson({ auths: { [host]: { auth: codec.toBase64(`${username}:${text}`) } } }),
}
