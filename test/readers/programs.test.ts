import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { canary } from '../support/canary.ts'
import { renderedFormat } from '../support/rendered-format.ts'
import { readWith, type Reading } from './reader-bed.ts'
import type { SeenRequest, VendorAnswer } from './vendor.ts'
import { issueVendorCertificate, type VendorCertificate } from './vendor-certificate.ts'

const username = 'robot$ci'
let vendor: VendorCertificate

beforeAll(async () => {
  vendor = await issueVendorCertificate()
})

afterAll(() => vendor.remove())

/** Asks for a login until there is one, as a registry does. */
function challenging({ authorization }: SeenRequest): VendorAnswer {
  return authorization === undefined
    ? { status: 401, headers: { 'www-authenticate': 'Basic realm="vendor"' } }
    : { status: 404 }
}

const bearer = (token: string) => `Bearer ${token}`
const basic = (token: string) => `Basic ${Buffer.from(`${username}:${token}`).toString('base64')}`

interface Row {
  readonly expected: (token: string) => string
  readonly tls?: true
  readonly reading: Omit<Reading, 'certificate'>
}

const sendWithNode =
  'await fetch(process.argv[1], { headers: { authorization: `Bearer ${process.env.TOKEN}` } }).then((r) => r.text())'

const sendWithPython = `
import base64, netrc, sys, urllib.request
login, _, password = netrc.netrc(sys.argv[1]).authenticators('127.0.0.1')
request = urllib.request.Request(sys.argv[2])
request.add_header('Authorization', 'Basic ' + base64.b64encode(f'{login}:{password}'.encode()).decode())
try: urllib.request.urlopen(request)
except urllib.error.HTTPError: pass
`

const rows: Readonly<Record<string, Row>> = {
  'a shell sends the raw token': {
    expected: bearer,
    reading: {
      output: () => ({ format: 'raw' }),
      command: ({ mount, host }) => [
        'sh',
        '-c',
        'curl -sS -H "Authorization: Bearer $(cat "$0")" "$1"',
        mount.path('access_token'),
        `http://${host}/`,
      ],
    },
  },
  'curl sends the header of a file': {
    expected: bearer,
    reading: {
      output: () => ({ format: 'header' }),
      command: ({ mount, host }) => ['curl', '-sS', '-H', `@${mount.path('authorization')}`, `http://${host}/`],
    },
  },
  'a shell sends what it read of an env file': {
    expected: bearer,
    reading: {
      output: () => ({ format: 'dotenv', variable: 'TOKEN' }),
      command: ({ mount, host }) => [
        'sh',
        '-c',
        '. "$0"; curl -sS -H "Authorization: Bearer $TOKEN" "$1"',
        mount.path('.env'),
        `http://${host}/`,
      ],
    },
  },
  'Node sends what it read of an env file': {
    expected: bearer,
    reading: {
      output: () => ({ format: 'dotenv', variable: 'TOKEN' }),
      command: ({ mount, host }) => [
        'node',
        `--env-file=${mount.path('.env')}`,
        '--input-type=module',
        '-e',
        sendWithNode,
        `http://${host}/`,
      ],
    },
  },
  'curl sends the login of a netrc': {
    expected: basic,
    reading: {
      output: () => ({ format: 'netrc', host: '127.0.0.1', username }),
      command: ({ mount, host }) => ['curl', '-sS', '--netrc-file', mount.path('.netrc'), `http://${host}/`],
    },
  },
  'Python sends the login of a netrc': {
    expected: basic,
    reading: {
      output: () => ({ format: 'netrc', host: '127.0.0.1', username }),
      command: ({ mount, host }) => ['python3', '-c', sendWithPython, mount.path('.netrc'), `http://${host}/`],
    },
  },
  'git sends the login of its credentials': {
    expected: basic,
    tls: true,
    reading: {
      output: (host) => ({ format: 'git-credentials', host, username }),
      command: ({ mount, host }) => {
        const file = mount.path('.git-credentials')
        const helper = `!f() { test "$1" = get && git credential-store --file=${file} get; }; f`
        return ['git', '-c', `credential.helper=${helper}`, 'ls-remote', `https://${host}/team/code.git`]
      },
      env: () => ({ GIT_SSL_CAINFO: vendor.authorityFile, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1' }),
      answer: challenging,
    },
  },
  'npm sends the token of a registry': {
    expected: bearer,
    reading: {
      output: (host) => ({ format: 'npmrc', host }),
      command: ({ host }) => ['npm', 'view', 'demo', '--registry', `http://${host}/`, '--fetch-retries=0'],
      env: ({ mount }) => ({ NPM_CONFIG_USERCONFIG: mount.path('.npmrc') }),
    },
  },
  'npm sends the token of a registry below a path': {
    expected: bearer,
    reading: {
      output: (host) => ({ format: 'npmrc', host, path: 'api/npm/team' }),
      command: ({ host }) => ['npm', 'view', 'demo', '--registry', `http://${host}/api/npm/team/`, '--fetch-retries=0'],
      env: ({ mount }) => ({ NPM_CONFIG_USERCONFIG: mount.path('.npmrc') }),
    },
  },
  'pip sends the login of its index': {
    expected: basic,
    tls: true,
    reading: {
      output: (host) => ({ format: 'pip', host, username, path: 'team/simple' }),
      command: () => ['pip', 'download', '--no-cache-dir', '--disable-pip-version-check', '--retries=0', 'demo'],
      env: ({ mount }) => ({ PIP_CONFIG_FILE: mount.path('pip.conf'), PIP_CERT: vendor.authorityFile }),
      answer: challenging,
    },
  },
  'docker sends the login of a registry': {
    expected: basic,
    reading: {
      output: (host) => ({ format: 'docker-config', host, username }),
      command: ({ host, home, mount }) => {
        mount.linkFrom(join(home, 'docker', 'config.json'), '.dockerconfigjson')
        return ['docker', '--config', join(home, 'docker'), 'manifest', 'inspect', '--insecure', `${host}/team/demo:1`]
      },
      answer: challenging,
    },
  },
  'cargo sends the token of a registry': {
    expected: bearer,
    reading: {
      output: () => ({ format: 'cargo', name: 'internal' }),
      command: ({ home, host, mount, write }) => {
        mount.linkFrom(join(home, 'cargo', 'credentials.toml'), 'credentials.toml')
        write('cargo/config.toml', `[registries.internal]\nindex = "sparse+http://${host}/index/"\n`)
        return ['cargo', 'owner', '--list', 'demo', '--registry', 'internal']
      },
      env: ({ home }) => ({ CARGO_HOME: join(home, 'cargo') }),
      answer: ({ path }, host) =>
        path === '/index/config.json'
          ? { status: 200, body: JSON.stringify({ dl: `http://${host}/dl`, api: `http://${host}` }) }
          : { status: 404 },
    },
  },
  'Terraform sends the token of a host': {
    expected: bearer,
    tls: true,
    reading: {
      output: (host) => ({ format: 'terraform', host }),
      command: ({ host, write }) => {
        write('main.tf', `module "demo" {\n  source  = "${host}/team/demo/none"\n  version = "1.0.0"\n}\n`)
        return ['terraform', 'init', '-input=false', '-no-color']
      },
      env: ({ mount }) => ({
        TF_CLI_CONFIG_FILE: mount.path('credentials.tfrc.json'),
        SSL_CERT_FILE: vendor.authorityFile,
        CHECKPOINT_DISABLE: '1',
      }),
      answer: ({ path }) =>
        path === '/.well-known/terraform.json'
          ? { status: 200, body: JSON.stringify({ 'modules.v1': '/modules/' }) }
          : { status: 404 },
    },
  },
}

test.each(Object.entries(rows))('%s', async (_, { reading, expected, tls }) => {
  const { token, seen, harm, said } = await readWith({ ...reading, ...(tls && { certificate: vendor.certificate }) })
  expect(
    seen.map(({ authorization }) => authorization),
    said,
  ).toContain(expected(token))
  expect(seen.filter(({ body }) => body.includes('refresh_token'))).toEqual([])
  expect(harm).toEqual([])
})

/** What careless hands read differently: each has the signs of another syntax in it. */
const oddities = [
  '/a+b=',
  '%2F%0A%',
  `"b'`,
  '\\b\\',
  '#b',
  ' #b',
  '${HOME}',
  '$(id)`id`',
  ';b',
  ':b@c?d&e',
  '~b:~',
  '{"b":[]}',
]

test.each(Object.entries(rows))('%s, or is refused, whatever signs it has', { timeout: 300_000 }, async (_, row) => {
  const { reading, expected, tls } = row
  let carried = 0
  for (const oddity of oddities) {
    const token = `${canary('at')}${oddity}`
    if (renderedFormat(reading.output('127.0.0.1'), token) === undefined) continue
    carried += 1
    const { seen, harm, said } = await readWith({ ...reading, ...(tls && { certificate: vendor.certificate }) }, token)
    expect(
      seen.map(({ authorization }) => authorization),
      `${oddity}: ${said}`,
    ).toContain(expected(token))
    expect(harm).toEqual([])
  }
  expect(carried).toBeGreaterThan(0)
})
