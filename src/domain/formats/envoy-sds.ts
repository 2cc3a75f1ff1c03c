import { renderedJson, type Format } from './format.ts'

const secretType = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret'

/**
 * A secret as Envoy's credential injector gets it by SDS: the value of a whole `Authorization` header.
 * JSON, which Envoy reads under the name of a YAML file too.
 */
export const envoySds: Format = {
  key: 'sds.yaml',
  readerMarginSeconds: 0,
  parameters: { name: 'required' },
  render: ({ text, output: { name } }) =>
    renderedJson({
      resources: [{ '@type': secretType, name, generic_secret: { secret: { inline_string: `Bearer ${text}` } } }],
    }),
}
