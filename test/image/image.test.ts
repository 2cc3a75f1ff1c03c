import { readFileSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type StartedTestContainer, Wait } from 'testcontainers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { observeOutput } from '../support/canary.ts'
import { expectMountedLayout } from '../standalone/mounted-layout.ts'
import { StandaloneBench } from '../standalone/standalone-bench.ts'
import { giveTo, runsAs } from './mount-owner.ts'
import {
  changedPaths,
  end,
  OperatorContainer,
  printedBy,
  removeContainers,
  signal,
  stateOf,
} from './operator-container.ts'
import { describeImage, type ImageDescription } from './image-description.ts'
import { buildImage, identity, removeImages } from './operator-image.ts'

const names = ['agent', 'app']
const mebibyte = 2 ** 20

describe('the image', () => {
  let image: ImageDescription

  beforeAll(async () => {
    image = await describeImage(await buildImage())
  })

  afterAll(async () => {
    await removeContainers()
    await removeImages()
  })

  it('says what it is, and runs as a user who is nobody', () => {
    expect(image.labels).toMatchObject({
      'org.opencontainers.image.title': 'oauth-credential-operator',
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.version': identity.version,
      'org.opencontainers.image.revision': identity.revision,
    })
    expect(image.user).toBe('65532:65532')
    expect(image.entrypoint).toContain('--disable-sigusr1')
  })

  it('carries the bundle with the licenses of what is in it, and nothing else', () => {
    const [own, rest] = [image.files, image.files.filter((file) => !/^[\w.-]+\.js(\.LEGAL\.txt)?$/.test(file))]
    expect(own).toContain('main.js')
    expect(rest.toSorted()).toEqual(['LICENSE', 'THIRD-PARTY-NOTICES.txt', 'package.json'])
    console.log(`the image adds ${(image.addedBytes / mebibyte).toFixed(1)} MiB in ${own.length} files to its base`)
    expect(image.addedBytes).toBeLessThan(6 * mebibyte)
  })

  it('answers to --version and --help', async () => {
    expect((await printedBy(image.name, '--version')).trim()).toBe(identity.version)
    expect(await printedBy(image.name, '--help')).toMatch(/^Usage: oauth-credential-operator .*\n(.*\n)+ +standalone /)
  })

  it('keeps tokens fresh without any privilege, and ends cleanly at SIGTERM', async ({ onTestFinished }) => {
    const bench = await StandaloneBench.open({ accessTokenSeconds: 3, credentials: names })
    onTestFinished(() => bench.close())
    const metricsAddress = `127.0.0.1:${await freePort()}`
    const operator = await standaloneContainer(image.name, bench, metricsAddress)
    const container = await operator.start()
    onTestFinished(async () => void (await container.stop()))

    await bench.refreshed(names, 3)
    await expectNoPrivilege(container)
    const metrics = await (await fetch(`http://${metricsAddress}/metrics`)).text()
    observeOutput('/metrics', metrics)
    const { version, revision } = identity
    expect(metrics).toMatch(
      new RegExp(`^oauthcredential_build_info\\{(?=.*version="${version}")(?=.*revision="${revision}").*\\} 1$`, 'm'),
    )
    await signal(container, 'SIGUSR1')
    await bench.refreshed(names, 4)
    expect(await end(container)).toMatchObject({ running: false, exitCode: 0 })

    expect(operator.lines.join('\n')).not.toContain('Debugger listening')
    for (const name of names) {
      await bench.expectWell(name)
      expectMountedLayout(bench.target(name), ['access_token', 'token.json'])
      for (const path of [bench.document(name), join(bench.target(name), 'access_token')]) {
        expect((await stat(path)).uid).toBe(runsAs.uid)
      }
    }
    expect((await changedPaths(container)).filter((path) => !path.startsWith('/data'))).toEqual([])
  })
})

async function standaloneContainer(
  image: string,
  bench: StandaloneBench,
  metricsAddress: string,
): Promise<OperatorContainer> {
  await mkdir(bench.output)
  await giveTo(runsAs, bench.directory)
  // A working directory of the user's choice must not matter to the image.
  const flags = '--manifests manifests --output output --allow-plain-http --allow-private-addresses --log-format json'
  const container = new OperatorContainer(
    image,
    'standalone',
    ...flags.split(' '),
    `--metrics-address=${metricsAddress}`,
  )
  if (!runsAs.default) container.withUser(`${runsAs.uid}:${runsAs.gid}`)
  return container
    .withWorkingDir('/data')
    .withBindMounts([
      { source: bench.manifests, target: '/data/manifests', mode: 'ro' },
      { source: join(bench.directory, 'refresh-tokens'), target: '/data/refresh-tokens' },
      { source: bench.output, target: '/data/output' },
    ])
    .withAutoRemove(false)
    .withWaitStrategy(Wait.forLogMessage('"msg":"standalone"'))
}

/** What the kernel holds true of the process, on the machine that Docker runs on. */
async function expectNoPrivilege(container: StartedTestContainer): Promise<void> {
  const { running, pid } = await stateOf(container)
  expect(running).toBe(true)
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  expect(status).toMatch(new RegExp(`^Uid:(\\t${runsAs.uid}){4}$`, 'm'))
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
    expect(status).toMatch(new RegExp(`^${set}:\\t0{16}$`, 'm'))
  }
  expect(status).toMatch(/^NoNewPrivs:\t1$/m)
  expect(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')).toMatch(/ \/ ro[, ]/)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
