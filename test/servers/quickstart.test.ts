import { afterAll, beforeAll, expect, test } from 'vitest'
import { observeOutput } from '../support/canary.ts'
import { type Block, Newcomer, readmeBlocks } from './quickstart-scene.ts'

// The five minutes that README promises: its own commands in its own order, on a real API server, Vault and
// authorization server. All that is done to them is what the page asks for: three values of the manifest are replaced.

const heading = 'Five minutes on a cluster, with Vault'
const key = 'teams/default/example'

let newcomer: Newcomer
beforeAll(async () => {
  newcomer = await Newcomer.arrive()
})
afterAll(() => newcomer?.leave())

test('the commands of README lead from an empty cluster to an access token', async () => {
  const { server, vault } = newcomer
  const [kinds, login, manifest, apply, start, look, ...others] = readmeBlocks(heading)
  expect([kinds, login, manifest, apply, start, look].map((block) => block?.language)).toEqual(
    ['sh', 'sh', 'yaml', 'sh', 'sh', 'sh'], // a page in another order wants another test
  )
  expect(others).toEqual([])
  const first = await server.issueRefreshToken()
  const began = performance.now()

  observed(await newcomer.run(textOf(kinds)))
  observed(await newcomer.run(textOf(login), `${first}\n`)) // typed: it ends with Enter and Ctrl-D
  newcomer.write('example.yaml', atOurAddresses(textOf(manifest)))
  observed(await newcomer.run(textOf(apply)))
  await newcomer.begin(textOf(start))
  const { table, token } = lastLineApart(await newcomer.run(textOf(look)))
  const took = performance.now() - began

  console.log(`README's path with Vault took ${(took / 1000).toFixed(1)} s`)
  expect(took).toBeLessThan(60_000) // of the five minutes, the rest is for reading and for the login
  expect(observed(table)).toMatch(/^example +True /m)
  expect(await server.isActive(token)).toBe(true)
  expect(server.statistics).toMatchObject({ refreshes: 1, refusals: 0, familiesRevoked: 0 })
  const { data } = await vault.kvRead(key)
  expect(Object.keys(data ?? {}).toSorted()).toEqual(['_oauthop', 'refresh_token'])
  const newest = String(data?.['refresh_token']).trim() // what stands around a token is left where it is
  expect(newest).not.toBe(first)
  expect(await server.isRefreshTokenActive(newest)).toBe(true)
}, 200_000)

/** "Replace the two addresses and the client id." */
function atOurAddresses(manifest: string): string {
  const { server, vault } = newcomer
  const values: Readonly<Record<string, string>> = {
    'https://login.example.com/oauth/token': server.tokenEndpoint,
    'https://vault.example.com:8200': vault.address,
    'my-client': server.clients.none.id,
  }
  return Object.entries(values).reduce((text, [placeholder, value]) => {
    expect(text.split(placeholder)).toHaveLength(2)
    return text.replace(placeholder, value)
  }, manifest)
}

function textOf(block: Block | undefined): string {
  return block?.text ?? ''
}

/** The last command prints the token, as it is asked to, and nothing before it may. */
function lastLineApart(output: string): { readonly table: string; readonly token: string } {
  const end = output.lastIndexOf('\n') + 1
  return { table: output.slice(0, end), token: output.slice(end) }
}

function observed(output: string): string {
  observeOutput('what the commands of README print', output)
  return output
}
