import { afterEach, expect, test } from 'vitest'
import { canary } from '../support/canary.ts'
import { type Moto, startMoto } from './moto.ts'
import { Newcomer } from './quickstart-scene.ts'
import { awsSteps, lastLineApart, observed, replacedOnce, type VaultSteps, vaultSteps } from './quickstart-steps.ts'
import { startVault, type Vault } from './vault.ts'

// The five minutes that README promises: its own commands in its own order, on a real API server and authorization
// server, with Vault, and with AWS's own command line on the API of Secrets Manager. All that is done to the commands
// is what the page asks for: the values of the manifest are replaced. The servers' addresses come from the environment.

interface Closable {
  close(): Promise<void>
}

const open: Closable[] = []
afterEach(async () => {
  for (const scene of open.splice(0).toReversed()) await scene.close()
})

async function arrived(...given: Parameters<typeof Newcomer.arrive>): Promise<Newcomer> {
  const newcomer = await Newcomer.arrive(...given)
  open.push({ close: () => newcomer.leave() })
  return newcomer
}

/** Steps 3 and 4, once the login is in its place: what both paths have in common. @returns the access token. */
async function applyAndLook(newcomer: Newcomer, { apply, start, look }: VaultSteps, manifest: string): Promise<string> {
  newcomer.write('example.yaml', manifest)
  observed(await newcomer.run(apply))
  await newcomer.begin(start)
  const { table, token } = lastLineApart(await newcomer.run(look))
  expect(table).toMatch(/^example +True /m)
  return token
}

/** What a person sees who asks for more. */
async function expectDescribed(newcomer: Newcomer): Promise<void> {
  const described = observed(await newcomer.run('kubectl describe oauthcredential example'))
  for (const text of [/Type: +Ready/, /Reason: +TokenValid/, /Next Refresh Time: +2/]) expect(described).toMatch(text)
  expect(described).not.toMatch(/^ +Status: +False/m)
}

test('the commands of README lead from an empty cluster to an access token', async () => {
  const vault: Vault = await startVault()
  open.push({ close: () => vault.stop() })
  const environment = { VAULT_ADDR: vault.address, VAULT_TOKEN: vault.rootToken }
  const newcomer = await arrived({ programs: ['vault'], environment })
  const { server } = newcomer
  const steps = vaultSteps()
  const first = await server.issueRefreshToken()
  const began = performance.now()

  observed(await newcomer.run(steps.kinds))
  observed(await newcomer.run(steps.login, `${first}\n`)) // typed: it ends with Enter and Ctrl-D
  // "Replace the two addresses and the client id."
  const manifest = replacedOnce(steps.manifest, {
    'https://login.example.com/oauth/token': server.tokenEndpoint,
    'https://vault.example.com:8200': vault.address,
    'my-client': server.clients.none.id,
  })
  const token = await applyAndLook(newcomer, steps, manifest)
  const took = performance.now() - began

  console.log(`README's path with Vault took ${(took / 1000).toFixed(1)} s`)
  expect(took).toBeLessThan(60_000) // of the five minutes, the rest is for reading and for the login
  expect(await server.isActive(token)).toBe(true)
  expect(server.statistics).toMatchObject({ refreshes: 1, refusals: 0, familiesRevoked: 0 })
  const { data } = await vault.kvRead('teams/default/example')
  expect(Object.keys(data ?? {}).toSorted()).toEqual(['_oauthop', 'refresh_token'])
  const newest = String(data?.['refresh_token']).trim() // what stands around a token is left where it is
  expect(newest).not.toBe(first)
  expect(await server.isRefreshTokenActive(newest)).toBe(true)
  await expectDescribed(newcomer)
}, 200_000)

test('with AWS Secrets Manager they do so too', async () => {
  const moto: Moto = await startMoto()
  open.push({ close: () => moto.stop() })
  const [id, secret] = ['AKIAEXAMPLE', canary('secret')]
  const environment = { AWS_ENDPOINT_URL: moto.endpoint, AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret }
  const newcomer = await arrived({ programs: ['aws'], environment })
  const { server } = newcomer
  const [steps, aws] = [vaultSteps(), awsSteps()]
  const first = await server.issueRefreshToken()
  // As an editor leaves them.
  newcomer.write('token.json', `{"refresh_token": "${first}"}\n`)
  newcomer.write('access-key-id', `${id}\n`)
  newcomer.write('secret-access-key', `${secret}\n`)

  observed(await newcomer.run(steps.kinds))
  observed(await newcomer.run(aws.login))
  const token = await applyAndLook(newcomer, steps, atOurEndpoints(steps.manifest, aws, { newcomer, moto }))

  expect(await server.isActive(token)).toBe(true)
  expect(server.statistics).toMatchObject({ refreshes: 1, refusals: 0, familiesRevoked: 0 })
  const get =
    'aws secretsmanager get-secret-value --region eu-central-1 --secret-id example/login --version-stage AWSCURRENT'
  const { SecretString: text } = JSON.parse(await newcomer.run(`${get} --output json`)) as {
    readonly SecretString: string
  }
  const stored = JSON.parse(text) as Readonly<Record<string, unknown>>
  expect(Object.keys(stored).toSorted()).toEqual(['_oauthop', 'refresh_token'])
  expect(stored['refresh_token']).not.toBe(first)
  expect(await server.isRefreshTokenActive(String(stored['refresh_token']))).toBe(true)
  await expectDescribed(newcomer)
}, 200_000)

/** The manifest of step 3 with the store and the line of the section about AWS, and the endpoint that stands for AWS's. */
function atOurEndpoints(
  manifest: string,
  { store, refreshToken }: ReturnType<typeof awsSteps>,
  { newcomer: { server }, moto }: { readonly newcomer: Newcomer; readonly moto: Moto },
): string {
  const documents = manifest.split(/^---\n/m)
  const isStore = (document: string): boolean => document.includes('kind: TokenStore')
  expect(documents.map(isStore)).toEqual([false, true, false])
  const [before = '', , after = ''] = documents
  const [line = 'no line'] = /refreshToken: \{.*\}/.exec(after) ?? []
  const endpoint = '  awsSecretsManager:\n'
  return [
    replacedOnce(before, {
      'https://login.example.com/oauth/token': server.tokenEndpoint,
      'my-client': server.clients.none.id,
    }),
    replacedOnce(store, { [endpoint]: `${endpoint}    endpoint: ${moto.endpoint}\n` }),
    replacedOnce(after, { [line]: refreshToken }),
  ].join('---\n')
}
