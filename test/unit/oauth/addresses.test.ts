import { describe, expect, it, test } from 'vitest'
import type { HostAddress } from '../../../src/adapters/oauth/host-addresses.ts'
import { answers } from '../../support/scripted-token-endpoint.ts'
import { anEndpoint, answerOf, aRequest, failureOf, go, scripted } from './endpoint-bench.ts'

const loopback: HostAddress = { address: '127.0.0.1', family: 4 }
const strict = { allowPlainHttp: false, allowPrivateAddresses: false }

describe('a token endpoint is refused', () => {
  const table: Readonly<Record<string, { url: string; addresses?: readonly HostAddress[]; says: string }>> = {
    'over plain http': { url: 'http://login.example.com/token', says: 'is not an https URL' },
    'over another protocol': { url: 'ftp://login.example.com/token', says: 'is not an https URL' },
    'as a file': { url: 'file:///etc/passwd', says: 'is not an https URL' },
    'as a relative URL': { url: '/token', says: 'is not an absolute URL' },
    'as no URL': { url: 'https://', says: 'is not an absolute URL' },
    'with a user name': { url: 'https://me@login.example.com/token', says: 'has a user name or password in its URL' },
    'with a password': { url: 'https://:pw@login.example.com/token', says: 'has a user name or password in its URL' },
    'with a fragment': { url: 'https://login.example.com/token#x', says: 'has a fragment in its URL' },
    'with an empty fragment': { url: 'https://login.example.com/token#', says: 'has a fragment in its URL' },
    'at a loopback address': { url: 'https://127.0.0.1/token', says: 'has an address that is not public' },
    'at a loopback address in hexadecimal': { url: 'https://0x7f.1/token', says: 'has an address that is not public' },
    'at a loopback address as one number': {
      url: 'https://2130706433/token',
      says: 'has an address that is not public',
    },
    'at an IPv6 loopback address': { url: 'https://[::1]/token', says: 'has an address that is not public' },
    'at a mapped loopback address': {
      url: 'https://[::ffff:127.0.0.1]/token',
      says: 'has an address that is not public',
    },
    'at the metadata service': { url: 'https://169.254.169.254/token', says: 'has an address that is not public' },
    'at a name of this machine': { url: 'https://localhost/token', says: 'has an address that is not public' },
    'at a name with a private address': {
      url: 'https://login.example.com/token',
      addresses: [{ address: '10.0.0.7', family: 4 }],
      says: 'has an address that is not public',
    },
    'at a name with one private address among public ones': {
      url: 'https://login.example.com/token',
      addresses: [
        { address: '1.1.1.1', family: 4 },
        { address: 'fd00::1', family: 6 },
      ],
      says: 'has an address that is not public',
    },
  }
  test.each(Object.entries(table))('%s', async (_name, { url, addresses, says }) => {
    const lookup = addresses && { lookup: async () => addresses }
    const exchange = await anEndpoint({ ...strict, ...lookup }).request(aRequest({ tokenEndpoint: url }), go)
    expect(failureOf(exchange)).toMatchObject({ kind: 'not-sent', code: 'ENDPOINT_NOT_ALLOWED' })
    expect(failureOf(exchange).message).toContain(`token endpoint of OAuthProvider ci/gateway ${says}.`)
  })

  test.each(['169.254.169.254', '[fd00:ec2::254]', '[fe80::1]', '[::ffff:169.254.169.254]'])(
    'at an address of the platform, also where private addresses are allowed: %s',
    async (host) => {
      const exchange = await anEndpoint().request(aRequest({ tokenEndpoint: `http://${host}/token` }), go)
      expect(failureOf(exchange)).toMatchObject({ kind: 'not-sent', code: 'ENDPOINT_NOT_ALLOWED' })
      expect(failureOf(exchange).message).toContain('has an address of the platform, which is allowed to nobody')
    },
  )

  it('at a name that stands for an address of the platform', async () => {
    const lookup = async (): Promise<readonly HostAddress[]> => [loopback, { address: '169.254.169.254', family: 4 }]
    const exchange = await anEndpoint({ lookup }).request(aRequest({ tokenEndpoint: 'http://metadata.invalid/' }), go)
    expect(failureOf(exchange).code).toBe('ENDPOINT_NOT_ALLOWED')
  })

  it('without a connection to anybody', async () => {
    const server = await scripted({ script: answers(200, '{}') })
    const endpoint = anEndpoint({ allowPlainHttp: true, allowPrivateAddresses: false })
    expect(failureOf(await endpoint.request(aRequest({ tokenEndpoint: server.url }), go)).code).toBe(
      'ENDPOINT_NOT_ALLOWED',
    )
    expect(server.connections).toHaveLength(0)
  })

  it('without telling which address a name has inside the network', async () => {
    const lookup = async (): Promise<readonly HostAddress[]> => [{ address: '10.1.2.3', family: 4 }]
    const exchange = await anEndpoint({ ...strict, lookup }).request(
      aRequest({ tokenEndpoint: 'https://vault.internal/' }),
      go,
    )
    expect(failureOf(exchange).message).not.toContain('10.1.2.3')
  })
})

describe('a host', () => {
  it('is resolved once, and the connection goes to an address that was checked', async () => {
    const server = await scripted({ script: answers(200, '{}') })
    const asked: string[] = []
    const endpoint = anEndpoint({
      // A name that nothing but this function knows: had it been resolved again, there would be no connection.
      lookup: async (host) => {
        asked.push(host)
        return [loopback]
      },
    })
    answerOf(await endpoint.request(aRequest({ tokenEndpoint: `http://login.invalid:${server.port}/token` }), go))
    expect(asked).toEqual(['login.invalid'])
    expect(server.requests.map(({ headers }) => headers['host'])).toEqual([`login.invalid:${server.port}`])
  })

  it('is reached by its next address when the first one fails', async () => {
    const server = await scripted({ script: answers(200, '{}') })
    const lookup = async (): Promise<readonly HostAddress[]> => [{ address: '::1', family: 6 }, loopback]
    const exchange = await anEndpoint({ lookup }).request(
      aRequest({ tokenEndpoint: `http://login.invalid:${server.port}/` }),
      go,
    )
    answerOf(exchange)
    expect(server.requests).toHaveLength(1)
  })

  it('can be an IPv6 address', async () => {
    const server = await scripted({ script: answers(200, '{}'), host: '::1' })
    answerOf(await anEndpoint().request(aRequest({ tokenEndpoint: server.url }), go))
    expect(server.requests.map(({ headers }) => headers['host'])).toEqual([`[::1]:${server.port}`])
  })

  it('of the real resolver is found', async () => {
    const server = await scripted({ script: answers(200, '{}') })
    answerOf(await anEndpoint().request(aRequest({ tokenEndpoint: `http://localhost:${server.port}/token` }), go))
    expect(server.requests).toHaveLength(1)
  })
})
