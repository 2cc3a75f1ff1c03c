import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createAuthority, issueCertificate, writePrivateKey } from './certificates.ts'
import type { Certificate } from './certificates.ts'
import { loopback } from './loopback.ts'
import type { ServerHome } from './server-home.ts'

/** Who a kubeconfig logs in as. */
export type Login = { readonly token: string } | { readonly certificate: Certificate }

/** The keys, certificates, tokens and kubeconfigs of one API server, as files in its home. */
export class ApiServerFiles {
  readonly caFile: string
  readonly #home: ServerHome
  readonly #users: Readonly<Record<string, readonly string[]>>
  #tokens: Readonly<Record<string, string>> = {}

  /** @param users name to groups of everybody who gets a bearer token. */
  constructor(home: ServerHome, users: Readonly<Record<string, readonly string[]>>) {
    this.#home = home
    this.#users = users
    this.caFile = home.path('ca.crt')
  }

  caPem(): string {
    return readFileSync(this.caFile, 'utf8')
  }

  token(user: string): string {
    const token = this.#tokens[user]
    if (token === undefined) throw new Error(`the cluster was started without a user ${user}`)
    return token
  }

  /** Makes the authority of client certificates, the service account keys, and all that can be renewed later. */
  async create(): Promise<Certificate> {
    const [authority] = await Promise.all([
      createAuthority(this.#home.path('client-ca'), 'test-client-ca'),
      this.renewCa(),
    ])
    writePrivateKey(this.#home.path('service-account.key'), this.#home.path('service-account.pub'))
    this.renewTokens()
    const admin = { commonName: 'admin', organization: 'system:masters' }
    return issueCertificate(this.#home.path('admin'), admin, authority)
  }

  /** Makes a serving certificate from a new authority; `caFile` then holds the new authority alone. */
  async renewCa(): Promise<void> {
    const authority = await createAuthority(
      this.#home.path('serving-ca'),
      `test-serving-ca-${randomBytes(4).toString('hex')}`,
    )
    const names = [`IP:${loopback}`, 'DNS:localhost', 'DNS:kubernetes.default.svc']
    await issueCertificate(
      this.#home.path('serving'),
      { commonName: 'kube-apiserver', alternativeNames: names },
      authority,
    )
    writeFileSync(this.caFile, authority.certPem)
  }

  /** Draws new bearer tokens for all users; the API server reads them when it starts. */
  renewTokens(): void {
    const draw = (name: string): [string, string] => [name, `${name}-${randomBytes(16).toString('hex')}`]
    this.#tokens = Object.fromEntries(Object.keys(this.#users).map(draw))
    const lines = Object.entries(this.#users).map(([name, groups]) =>
      [this.token(name), name, `uid-${name}`, `"${groups.join(',')}"`].join(','),
    )
    writeFileSync(this.#home.path('tokens.csv'), `${lines.join('\n')}\n`, { mode: 0o600 })
  }

  serviceAccountPublicKeyPem(): string {
    return readFileSync(this.#home.path('service-account.pub'), 'utf8')
  }

  /** @returns the path of a kubeconfig, written in JSON, which is YAML too. */
  writeKubeconfig(name: string, url: string, login: Login): string {
    const user = 'token' in login ? { token: login.token } : clientCertificate(login.certificate)
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority-data': base64(this.caPem()) } }],
      users: [{ name, user }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: name } }],
      'current-context': 'test',
    }
    const path = this.#home.path(`${name}.kubeconfig`)
    writeFileSync(path, JSON.stringify(config, undefined, 2), { mode: 0o600 })
    return path
  }

  /** @returns the arguments of an API server on `url`. */
  arguments(url: string, etcdUrl: string): string[] {
    const path = (name: string): string => this.#home.path(name)
    return [
      `--etcd-servers=${etcdUrl}`,
      `--bind-address=${loopback}`,
      `--secure-port=${new URL(url).port}`,
      // It may not publish a loopback address as the endpoint of the `kubernetes` service, so it publishes none.
      `--advertise-address=${loopback}`,
      '--endpoint-reconciler-type=none',
      '--service-cluster-ip-range=10.0.0.0/24',
      `--tls-cert-file=${path('serving.crt')}`,
      `--tls-private-key-file=${path('serving.key')}`,
      `--client-ca-file=${path('client-ca.crt')}`,
      `--token-auth-file=${path('tokens.csv')}`,
      '--authorization-mode=RBAC',
      `--service-account-issuer=${url}`,
      `--service-account-jwks-uri=${url}/openid/v1/jwks`,
      `--service-account-key-file=${path('service-account.pub')}`,
      `--service-account-signing-key-file=${path('service-account.key')}`,
      // It refuses pods until a controller, which is not here, has made the namespace's default service account.
      '--disable-admission-plugins=ServiceAccount',
      '--shutdown-delay-duration=0s',
    ]
  }
}

function clientCertificate(certificate: Certificate): Record<string, string> {
  return {
    'client-certificate-data': base64(certificate.certPem),
    'client-key-data': base64(readFileSync(certificate.keyFile, 'utf8')),
  }
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}
