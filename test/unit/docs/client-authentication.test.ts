import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { decodeResource } from '../../../src/api/decode.ts'
import type { ClientAuthentication, OAuthClient, Provider } from '../../../src/domain/provider.ts'

const page = readFileSync('docs/client-authentication.md', 'utf8')

function blocks(language: string): readonly string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, text = '']) => text)
}

function providerIn(text: string): Provider {
  const resource = decodeResource(parse(text))
  if (resource?.type === 'provider') return resource.provider
  throw new Error(`no provider: ${JSON.stringify(resource)}`)
}

const providers = blocks('yaml').map(providerIn)
const commands = blocks('sh').flatMap((block) => block.trim().split('\n'))

/** The beginning of the command that makes the Secret, and what of it has to be in there. */
function secretOf({ secretRef, assertion, certificateSecretName }: OAuthClient): readonly [string, string] | undefined {
  const ref = secretRef ?? assertion?.keyRef
  if (ref !== undefined) return [`create secret generic ${ref.name} `, `--from-file=${ref.key}=`]
  return certificateSecretName === undefined ? undefined : [`create secret tls ${certificateSecretName} `, '--key=']
}

describe('the page on client authentication', () => {
  const methods: Readonly<Record<ClientAuthentication, boolean>> = {
    none: true,
    client_secret_basic: true,
    client_secret_post: true,
    private_key_jwt: true,
    tls_client_auth: true,
  }
  test.each(Object.keys(methods))('has %s in its table, and a manifest for it', (method) => {
    expect(page).toMatch(new RegExp(`^\\| \`${method}\` +\\|`, 'm'))
    expect(blocks('yaml').join()).toMatch(new RegExp(`authentication: (\\w+ # or )?${method}\\b`))
  })

  test.each(providers.map((provider) => [provider.name, provider] as const))(
    'makes the Secret that the provider %s names, in its namespace',
    (_, { client, namespace }) => {
      const secret = secretOf(client)
      if (secret === undefined) return expect(client.authentication).toBe('none')
      const [command, argument] = secret
      const made = commands.filter((line) => line.startsWith(`kubectl -n ${namespace ?? ''} ${command}`))
      expect(made).toEqual([expect.stringContaining(argument)])
    },
  )

  test('finds one provider by its issuer', () => {
    expect(
      providers.filter(({ issuer, tokenEndpoint }) => issuer !== undefined && tokenEndpoint === undefined),
    ).toEqual([expect.objectContaining({ introspection: {} })])
  })
})
