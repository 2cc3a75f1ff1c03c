import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeFlags } from './controller-process.ts'
import { fleet, namedObjects } from './fleet.ts'
import { type BenchTimes, measure } from './measure.ts'
import { Helper } from './measured-process.ts'
import type { ServersPlace } from './protocol.ts'
import { measureProtocol, protocolReport, unexpectedCost } from './protocol-cost.ts'
import { readOptions, usage } from './options.ts'
import { RealCluster } from './real-cluster.ts'
import { reportOf } from './report.ts'

// `npm run bench`: what the operator costs, as a ratio to a floor measured over the same seconds.

const read = readOptions(process.argv.slice(2))
if (read.kind === 'help') {
  process.stdout.write(usage)
  process.exit(0)
}
if (read.kind === 'wrong') {
  process.stderr.write(`${read.problem}\n\n${usage}`)
  process.exit(2)
}
const { sizes, real, seconds, quick, protocol } = read.options
const times: BenchTimes = quick
  ? { starts: 3, warmUpSeconds: 10, windows: 2, windowSeconds: seconds }
  : { starts: 3, warmUpSeconds: 145, windows: 3, windowSeconds: seconds }

const bundle = mkdtempSync(join(tmpdir(), 'oauth-operator-bundle-'))
try {
  execFileSync(process.execPath, ['scripts/bundle.ts', bundle], { stdio: 'inherit' })
  print(`Node ${process.version} ${nodeFlags.join(' ')}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}`)
  if (quick) print('A quick look: the windows hold first refreshes, whose target is looked at once more.')
  for (const size of sizes) if (size > 0) await onLoopback(size)
  if (real > 0) await onRealApiServer(real)
  if (protocol) await whatTheProtocolAdds()
} finally {
  rmSync(bundle, { recursive: true, force: true })
}

async function onLoopback(size: number): Promise<void> {
  const { helper: servers, hello: place } = await Helper.start<ServersPlace>('test/bench/bench-servers.ts')
  try {
    const objects = namedObjects(size)
    const renew = () => Promise.resolve(fleet(objects, Date.now() / 1000))
    const measurement = await measure({ bundle, servers, place, token: 'bench', size, renew }, times)
    print(reportOf(`\n${size} credentials`, measurement))
  } finally {
    await servers.end()
  }
}

async function onRealApiServer(size: number): Promise<void> {
  const cluster = await RealCluster.start()
  const upstream = JSON.stringify(cluster.upstream)
  const { helper: servers, hello: place } = await Helper.start<ServersPlace>('test/bench/bench-servers.ts', [upstream])
  try {
    const objects = await cluster.create(size, place)
    const renew = () => cluster.renew(objects)
    const measurement = await measure({ bundle, servers, place, token: cluster.token, size, renew }, times)
    print(reportOf(`\n${size} credentials on kube-apiserver ${cluster.version}`, measurement))
  } finally {
    await servers.end()
    await cluster.stop()
  }
}

async function whatTheProtocolAdds(): Promise<void> {
  const cost = await measureProtocol(bundle)
  print(protocolReport(cost))
  if (unexpectedCost(cost) !== undefined) process.exitCode = 1
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
