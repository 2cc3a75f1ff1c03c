import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { fieldManager, requestAnnotations } from '../../src/domain/names.ts'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import { observeOutput } from '../support/canary.ts'
import { TcpRelay } from '../support/tcp-relay.ts'
import { blocksOf, rowsBelow } from '../unit/docs/pages.ts'
import { askGitOpsTools, type GitOpsAnswer, type Verdict } from './gitops.ts'
import { type CredentialObject, manifestOf, OperatorBed } from './operator-bed.ts'
import type { OperatorProcess } from './operator-process.ts'

// What docs/gitops.md says is what the tools say: statuses that the operator writes on a real API server are given to the
// libraries by which Flux, Helm and Argo CD judge them, with the settings that the page tells people to apply.

const namespace = 'default'
const page = 'docs/gitops.md'
/** Short enough to see a token end, and long enough to look at it before. */
const shortLife = 16

const rows = new Map(
  rowsBelow(readFileSync(page, 'utf8'), '## What they say', 'the credential').map(([name = '', ...said]) => [
    name,
    said,
  ]),
)
const documents = blocksOf(['yaml'])
  .filter((block) => block.page === page)
  .flatMap(({ text }) => parseAllDocuments(text).map((document) => document.toJS() as DocumentedObject))

interface DocumentedObject {
  readonly kind: string
  readonly spec: {
    readonly healthCheckExprs?: readonly { readonly kind: string }[]
    readonly ignoreDifferences?: readonly { readonly managedFieldsManagers: readonly string[] }[]
  }
}

interface Settings {
  readonly data: Readonly<Record<string, string>>
}

let bed: OperatorBed
let operator: OperatorProcess
let calm: AuthorizationServer
let hasty: AuthorizationServer
let relays: { readonly calm: TcpRelay; readonly hasty: TcpRelay }
/** As Argo CD reads them. */
let settings: Settings['data']

beforeAll(async () => {
  ;[bed, calm, hasty] = await Promise.all([
    OperatorBed.start(),
    startAuthorizationServer({ accessTokenSeconds: 3600 }),
    startAuthorizationServer({ accessTokenSeconds: shortLife }),
  ])
  relays = { calm: new TcpRelay(calm.tokenEndpoint), hasty: new TcpRelay(hasty.tokenEndpoint) }
  await bed.apply(
    manifestOf('TokenStore', namespace, 'secrets', { kubernetes: {} }),
    await provider('calm', calm, relays.calm),
    await provider('hasty', hasty, relays.hasty),
    manifestOf('OAuthProvider', namespace, 'nowhere', {
      tokenEndpoint: 'http://127.0.0.1:9/token',
      client: { id: 'nobody', authentication: 'none' },
    }),
  )
})
afterEach(() => bed?.observeEverything())
afterAll(async () => {
  await bed?.stop()
  await Promise.all([relays?.calm.stop(), relays?.hasty.stop(), calm?.close(), hasty?.close()])
})

async function provider(name: string, server: AuthorizationServer, relay: TcpRelay): Promise<object> {
  const { pathname } = new URL(server.tokenEndpoint)
  return manifestOf('OAuthProvider', namespace, name, {
    tokenEndpoint: `${(await relay.start()).replace('https:', 'http:')}${pathname}`,
    client: { id: server.clients.none.id, authentication: 'none' },
  })
}

/** A credential with a login of its own, whose provider has the name of its server. */
async function credential(name: string, server: 'calm' | 'hasty' | 'nowhere', changes: object = {}): Promise<void> {
  const refreshToken = await (server === 'hasty' ? hasty : calm).issueRefreshToken()
  await bed.createSecret(namespace, name, { refresh_token: refreshToken })
  await bed.apply(
    manifestOf('OAuthCredential', namespace, name, {
      providerRef: { name: server },
      refreshToken: { storeRef: { name: 'secrets' }, key: name },
      target: { name: `${name}-token` },
      ...changes,
    }),
  )
}

async function changeSpec(name: string, spec: object): Promise<void> {
  await bed.cluster.kubectlOrThrow([
    'patch',
    'oac',
    name,
    '-n',
    namespace,
    '--type=merge',
    '-p',
    JSON.stringify({ spec }),
  ])
}

async function said(object: object): Promise<GitOpsAnswer> {
  const { kind: judged } = object as DocumentedObject
  const health = settings[`resource.customizations.health.oauth-operator.dev_${judged}`]
  const checks = documents.find(({ kind }) => kind === 'Kustomization')?.spec.healthCheckExprs
  const expressions = checks?.find(({ kind }) => kind === judged)
  const answer = await askGitOpsTools({
    object,
    scripts: { health: health ?? '' },
    ...(expressions && { expressions }),
  })
  observeOutput('what GitOps tools say', JSON.stringify(answer))
  return answer
}

function healthOf({ scripts }: GitOpsAnswer): Verdict {
  return scripts['health'] as Verdict
}

/** Waits until the tools say of a credential what the page says in a row. Returns the message for people in Argo CD. */
async function expectRow(row: string, name: string, until: (found: CredentialObject) => boolean): Promise<string> {
  const [kstatus, expressions, argo] = rows.get(row) ?? []
  if (argo === undefined) throw new Error(`${page} has no row: ${row}`)
  const found = await vi.waitFor(
    async () => {
      const object = await bed.credential(namespace, name)
      if (!until(object)) throw new Error(`${name}: ${JSON.stringify(object.status)}`)
      return object
    },
    { timeout: 60_000, interval: 100 },
  )
  told.add(row)
  const answer = await said(found)
  const health = healthOf(answer)
  expect({ kstatus: answer.kstatus.status, expressions: answer.flux, argo: health.status }).toEqual({
    kstatus,
    expressions,
    argo,
  })
  return health.message
}

const told = new Set<string>()

function has(type: string, status: string, reason?: string): (found: CredentialObject) => boolean {
  return ({ status: written }) =>
    written?.conditions?.some(
      (each) => each.type === type && each.status === status && (reason === undefined || each.reason === reason),
    ) === true
}

function both(...all: readonly ((found: CredentialObject) => boolean)[]): (found: CredentialObject) => boolean {
  return (found) => all.every((each) => each(found))
}

const isReady = has('Ready', 'True')
const isRetried = has('Reconciling', 'True')

describe('the settings of Argo CD', () => {
  test('are patched into its ConfigMap by the command of the page, beside what is there', async () => {
    const [command] = blocksOf(['sh']).filter((block) => block.page === page && block.text.includes('argocd'))
    const own = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'argocd-cm', namespace: 'argocd' } }
    await bed.createNamespace('argocd')
    await bed.apply({ ...own, data: { url: 'https://argocd.example.com' } })
    await bed.cluster.kubectlOrThrow((command?.text ?? '').trim().split(' ').slice(1))
    const text = await bed.cluster.kubectlOrThrow(['get', 'configmap', 'argocd-cm', '-n', 'argocd', '-o', 'json'])
    settings = (JSON.parse(text) as Settings).data
    expect(settings['url']).toBe('https://argocd.example.com')
    expect(Object.keys(settings).filter((key) => key.startsWith('resource.customizations.'))).toHaveLength(6)
  })
})

describe('before there is an operator', () => {
  test('a new credential is waited for', async () => {
    await credential('valid', 'calm')
    const message = await expectRow('is new, and the operator has not seen it', 'valid', () => true)
    expect(message).toContain('see whether it runs')
  })

  test.each(['OAuthProvider', 'TokenStore', 'ClusterOAuthProvider', 'ClusterTokenStore'])(
    'one of the kind %s is there, and that is all',
    async (kind) => {
      const object = {
        apiVersion: 'oauth-operator.dev/v1alpha1',
        kind,
        metadata: { name: 'one', generation: 1 },
        spec: {},
      }
      const answer = await said(object)
      expect(answer.kstatus.status).toBe('Current')
      expect(healthOf(answer)).toMatchObject({
        status: 'Healthy',
        message: expect.stringContaining('OAuthCredentials') as unknown,
      })
    },
  )
})

describe('with an operator', () => {
  beforeAll(async () => {
    operator = await bed.operator(bed.kubeconfig, ['--allow-plain-http', '--allow-private-addresses'])
  })

  test('a valid token is what is waited for', async () => {
    const message = await expectRow('has a valid token', 'valid', isReady)
    expect(message).toMatch(/^The access token is valid until \S+Z\.$/)
  })

  test('a first refresh that fails is in progress, and says why', async () => {
    await credential('untried', 'nowhere')
    const row = 'has no token yet, and the first refresh is tried again'
    const message = await expectRow(row, 'untried', both(has('Ready', 'False', 'RefreshFailed'), isRetried))
    expect(message).toContain('it is tried again with backoff')
    await bed.cluster.kubectlOrThrow(['delete', 'oac', 'untried', '-n', namespace])
  })

  test('a warning is told, and holds nothing up', async () => {
    await credential('warned', 'calm', { target: { name: 'warned-token', propagation: 'AnnotatePods' } })
    const row = 'has a valid token, and a condition that warns'
    const message = await expectRow(row, 'warned', both(isReady, has('ConsumersNotified', 'False')))
    expect(message).toContain('ConsumersNotified False: ')
    expect(message).toContain('propagation.annotatePods')
  })

  test('what does not exist is a failure, and says what helps', async () => {
    await credential('astray', 'calm', { providerRef: { name: 'nobody' } })
    const row = 'refers to something that does not exist'
    const message = await expectRow(row, 'astray', has('Stalled', 'True', 'ProviderNotFound'))
    expect(message).toMatch(/^ProviderNotFound: .*nobody does not exist\. Create it/)
  })

  test('to suspend is no trouble, with a token or without', async () => {
    await changeSpec('valid', { suspend: true })
    const suspended = has('Ready', 'True', 'Suspended')
    const message = await expectRow('is suspended, with a valid token', 'valid', suspended)
    expect(message).toMatch(/^The access token is valid until .* It goes on when spec.suspend is taken back\.$/)
    await credential('resting', 'calm', { suspend: true })
    await expectRow('is suspended, without a valid token', 'resting', has('Ready', 'Unknown', 'Suspended'))
    await changeSpec('valid', { suspend: false })
    await expectRow('has a valid token', 'valid', has('Ready', 'True', 'TokenValid'))
  })

  test('the action of Argo CD asks for a refresh, but not of what is suspended', async () => {
    const { definitions, ...scripts } = parse(
      settings['resource.customizations.actions.oauth-operator.dev_OAuthCredential'] ?? '',
    ) as { readonly 'discovery.lua': string; readonly definitions: readonly Readonly<Record<string, string>>[] }
    const discovery = scripts['discovery.lua']
    const action = definitions[0]?.['action.lua'] ?? ''
    const object = await bed.credential(namespace, 'warned')
    const { scripts: returned } = await askGitOpsTools({ object, scripts: { discovery, action } })
    expect(definitions[0]?.['name']).toBe('refresh')
    expect(returned['discovery']).toEqual({ refresh: { disabled: false } })
    const { metadata } = returned['action'] as { readonly metadata: { readonly annotations: object } }
    const asked = Object.entries(metadata.annotations).find(([name]) => name === requestAnnotations.refreshRequestedAt)
    expect(Math.abs(Date.parse(String(asked?.[1])) - Date.now())).toBeLessThan(60_000)
    const resting = await bed.credential(namespace, 'resting')
    const { scripts: refused } = await askGitOpsTools({ object: resting, scripts: { discovery } })
    expect(refused['discovery']).toEqual({ refresh: { disabled: true } })
  })
})

describe('while tokens come and go', () => {
  test('a refresh is not seen, whenever it is looked at', async () => {
    await credential('renewed', 'hasty')
    await expectRow('has a valid token', 'renewed', isReady)
    const seen = new Map<string, CredentialObject>()
    await vi.waitFor(
      async () => {
        const found = await bed.credential(namespace, 'renewed')
        seen.set(JSON.stringify(found.status), found)
        expect(found.status?.refreshes).toBeGreaterThanOrEqual(3)
      },
      { timeout: 4 * shortLife * 1000, interval: 20 },
    )
    expect(seen.size).toBeGreaterThanOrEqual(3)
    told.add('has a valid token, and is being refreshed')
    const [kstatus, flux, argo] = rows.get('has a valid token, and is being refreshed') ?? []
    for (const found of seen.values()) {
      const answer = await said(found)
      expect([answer.kstatus.status, answer.flux, healthOf(answer).status]).toEqual([kstatus, flux, argo])
    }
  })

  test('a human who must act is told while the token is still valid', async () => {
    await credential('dead', 'hasty')
    await expectRow('has a valid token', 'dead', isReady)
    const { data = {} } = (await bed.secret(namespace, 'dead')) ?? {}
    await hasty.revoke(String(data['refresh_token']))
    const row = 'waits for a human, with a token that is still valid'
    const message = await expectRow(row, 'dead', both(isReady, has('Stalled', 'True', 'ReauthorizationRequired')))
    expect(message).toMatch(/^ReauthorizationRequired: The access token is valid until .*Log in again/)
  })

  test('an outage is in progress while the token is valid, and a trouble when it is over', async () => {
    await credential('fading', 'hasty')
    await expectRow('has a valid token', 'fading', isReady)
    relays.hasty.cut()
    const valid = 'has a valid token, and its refresh is tried again'
    const trying = await expectRow(valid, 'fading', both(isReady, isRetried))
    expect(trying).toMatch(/^TokenValid: The access token is valid until \S+Z\. \S/)
    const over = 'has a token that has ended, and its refresh is tried again'
    const ended = await expectRow(over, 'fading', both(has('Ready', 'False', 'TokenExpired'), isRetried))
    expect(ended).toMatch(/^TokenExpired: The access token expired at \S+Z\. \S/)
    relays.hasty.mend()
    await expectRow(
      'has a valid token',
      'fading',
      both(isReady, (found) => !isRetried(found)),
    )
  })
})

describe('without the operator', () => {
  beforeAll(async () => {
    await credential('merged', 'calm', {
      target: { name: 'merged-token', creationPolicy: 'Merge', outputs: [{ format: 'raw', key: 'token' }] },
    })
    await bed.condition(namespace, 'merged', 'Ready')
    await operator.stop()
  })

  test('a new spec is waited for, also by kubectl wait', async () => {
    const [waiting] = blocksOf(['sh']).filter((block) => block.page === page && block.text.includes('kubectl wait'))
    const command = (name: string): readonly string[] =>
      (waiting?.text ?? '').trim().replace('claude', name).replace('2m', '1s').split(' ').slice(1)
    expect((await bed.cluster.kubectl(command('valid'))).code).toBe(0)
    await changeSpec('valid', { scopes: ['openid'] })
    await expectRow('has a new spec that the operator has not seen', 'valid', isReady)
    expect(await bed.cluster.kubectl(command('valid'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('timed out') as unknown,
    })
  })

  test('a deletion is waited for', async () => {
    await bed.cluster.kubectlOrThrow(['delete', 'oac', 'merged', '-n', namespace, '--wait=false'])
    const { kstatus } = await said(await bed.credential(namespace, 'merged'))
    // Argo CD asks no script of an object that is on its way out.
    expect(rows.get('is being deleted')?.[0]).toBe(kstatus.status)
    told.add('is being deleted')
    await operator.start()
    await vi.waitFor(() => expect(bed.credential(namespace, 'merged')).rejects.toThrow('404'), {
      timeout: 20_000,
      interval: 200,
    })
  })
})

test('every row of the page was looked at', () => {
  expect([...told].toSorted()).toEqual([...rows.keys()].toSorted())
})

test('the page names the field manager by which Argo CD knows what the operator wrote', () => {
  const application = documents.find(({ kind }) => kind === 'Application')
  expect(application?.spec.ignoreDifferences?.[0]?.managedFieldsManagers).toEqual([fieldManager])
})
