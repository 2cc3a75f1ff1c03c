import { mkdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Wait } from 'testcontainers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleProgram } from '../../scripts/bundle-program.ts'
import { freePort } from '../servers/loopback.ts'
import { observeOutput } from '../support/canary.ts'
import { expectMountedLayout } from '../standalone/mounted-layout.ts'
import { StandaloneBench } from '../standalone/standalone-bench.ts'
import { giveTo, runsAs } from './mount-owner.ts'
import { expectNoPrivilege } from './no-privilege.ts'
import { changedPaths, end, OperatorContainer, printedBy, removeContainers, signal } from './operator-container.ts'
import { describeImage, digestOf, type ImageDescription } from './image-description.ts'
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
      'org.opencontainers.image.description': expect.stringContaining('refresh token') as unknown,
      'org.opencontainers.image.source': expect.stringMatching(/^https:\/\//) as unknown,
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.version': identity.version,
      'org.opencontainers.image.revision': identity.revision,
    })
    // Nobody gave it: the time of a build would make two builds differ.
    expect(Object.keys(image.labels)).not.toContain('org.opencontainers.image.created')
    expect(image.user).toBe('65532:65532')
    expect(image.entrypoint).toContain('--disable-sigusr1')
  })

  it('carries the bundle with a list of what is in it and the licenses of that, and nothing else', () => {
    const own = [...image.files.keys()]
    const rest = own.filter((file) => !/^[\w.-]+\.js(\.LEGAL\.txt)?$/.test(file))
    expect(own).toContain('main.js')
    expect(rest.toSorted()).toEqual(['LICENSE', 'THIRD-PARTY-NOTICES.txt', 'package.json', 'sbom.cdx.json'])
    const [added, all] = [image.addedBytes, image.bytes].map((bytes) => (bytes / mebibyte).toFixed(1))
    console.log(`the image has ${all} MiB, of which ${added} MiB in ${own.length} files are not of its base`)
    expect(image.addedBytes).toBeLessThan(6 * mebibyte)
  })

  it('carries the same bytes that are bundled outside of it', async () => {
    const { outputFiles } = await bundleProgram(identity, 'dist/bundle')
    expect(outputFiles.length).toBeGreaterThan(3)
    for (const { path, contents } of outputFiles) {
      expect(image.files.get(basename(path)), basename(path)).toBe(digestOf(contents))
    }
  })

  it('has no shell and no package manager', () => {
    expect(image.paths.length).toBeGreaterThan(5)
    expect(
      image.paths.filter((path) =>
        /(^|\/)([bdckz]?a?sh|busybox|npm|npx|yarn|corepack|apt|apt-get|dpkg|apk)$/.test(path),
      ),
    ).toEqual([])
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
