import { Newcomer } from '../servers/quickstart-scene.ts'
import { helmSteps, lastLineApart, observed, replacedOnce, vaultSteps } from '../servers/quickstart-steps.ts'
import type { OperatorProcess } from '../servers/operator-process.ts'
import { startRelease } from '../servers/release-process.ts'
import { startVault, type Vault } from '../servers/vault.ts'
import { Journey, walk } from './journey.ts'

// `npm run newcomer:cluster`: from `helm install` to a credential that is Ready, on a real API server with a real
// Vault, with the commands of README as they stand there. There is no kubelet: a process with the arguments, the
// account and the rights that the chart gives to its Pods stands for one of them. Nothing of it depends on how fast
// the machine is.

const name = 'oauth-credential-operator'

interface Place {
  readonly newcomer: Newcomer
  readonly vault: Vault
}

async function path(): Promise<void> {
  const journey = new Journey('From helm install to a credential that is Ready')
  const place = await journey.prepare({
    name: 'an API server, Vault and an authorization server run',
    remedy: 'run `npm run servers`, and read what it says of a server that it could not provide.',
    work: arrive,
  })
  const operators: OperatorProcess[] = []
  try {
    await fromInstallToReady(journey, place, operators)
  } finally {
    await Promise.all(operators.map((operator) => operator.remove()))
    await leave(place)
  }
  journey.end('from helm install to a credential that is Ready')
}

async function arrive(): Promise<Place> {
  const vault = await startVault()
  const environment = { VAULT_ADDR: vault.address, VAULT_TOKEN: vault.rootToken }
  return { vault, newcomer: await Newcomer.arrive({ programs: ['vault', 'helm'], environment }) }
}

async function leave({ newcomer, vault }: Place): Promise<void> {
  await Promise.all([newcomer.leave(), vault.stop()])
}

async function fromInstallToReady(
  journey: Journey,
  { newcomer, vault }: Place,
  operators: OperatorProcess[],
): Promise<void> {
  const { server, cluster } = newcomer
  const { login, manifest, apply, look } = vaultSteps()
  const first = await server.issueRefreshToken()
  await journey.step({
    name: 'helm install',
    remedy: 'render it with `helm template`, and `kubectl apply --dry-run=server` what it renders.',
    work: () => run(newcomer, helmSteps().install),
  })
  await journey.step({
    name: 'a replica is ready, with the flags and the rights of the release',
    remedy: 'a right that is missing is in the log above: deploy/helm, templates/rbac.yaml.',
    // Our servers are on the loopback device and without TLS: the two values that README names for that.
    work: async () => {
      const flags = ['--allow-plain-http', '--allow-private-addresses']
      operators.push(await startRelease(cluster, { name, namespace: name, flags }))
    },
  })
  await journey.step({
    name: 'the login is in Vault, and its token in a Secret',
    remedy: 'these are the commands of step 2 of README.',
    work: () => run(newcomer, login, `${first}\n`),
  })
  await journey.step({
    name: 'the manifests are applied',
    remedy: 'these are the manifests of step 3 of README: the API server says which field it does not take.',
    work: () => {
      newcomer.write('example.yaml', atOurAddresses(manifest, { newcomer, vault }))
      return run(newcomer, apply)
    },
  })
  await journey.step({
    name: 'the credential is Ready, and the token in its Secret is accepted',
    remedy: 'the reason is in the conditions and events above; docs/errors.md has every code.',
    work: () => lookAt(newcomer, look),
  })
}

/** "Replace the two addresses and the client id." */
function atOurAddresses(manifest: string, { newcomer: { server }, vault }: Place): string {
  return replacedOnce(manifest, {
    'https://login.example.com/oauth/token': server.tokenEndpoint,
    'https://vault.example.com:8200': vault.address,
    'my-client': server.clients.none.id,
  })
}

async function run(newcomer: Newcomer, block: string, stdin?: string): Promise<void> {
  observed(await newcomer.run(block, stdin))
}

async function lookAt(newcomer: Newcomer, look: string): Promise<void> {
  const { token } = lastLineApart(await newcomer.run(look).catch((error: unknown) => describing(newcomer, error)))
  if (!(await newcomer.server.isActive(token))) throw new Error('the authorization server does not accept the token')
  const { refreshes, refusals } = newcomer.server.statistics
  if (refreshes !== 1 || refusals !== 0) throw new Error(`it took ${refreshes} refreshes and ${refusals} refusals`)
}

/** What a person would look at next. */
async function describing(newcomer: Newcomer, error: unknown): Promise<never> {
  const described = observed(await newcomer.run('kubectl describe oauthcredential example'))
  throw new Error(`${error instanceof Error ? error.message : ''}\n${described}`, { cause: error })
}

await walk(path)
