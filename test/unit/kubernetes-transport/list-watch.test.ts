import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ListWatch } from '../../../src/adapters/kubernetes/list-watch.ts'
import type { CollectionHandler } from '../../../src/adapters/kubernetes/watch-round.ts'
import type { Metrics } from '../../../src/ports/metrics.ts'
import { canary } from '../../support/canary.ts'
import { eventually, transportTo, type TestBed } from '../../support/kube-test-bed.ts'
import { memoryMetrics } from '../../support/memory-metrics.ts'
import { ScriptedApiServer } from '../../support/scripted-api-server.ts'

const path = '/apis/oauth-operator.dev/v1alpha1/oauthcredentials'

interface Item {
  readonly name: string
  readonly value: unknown
}

/** What a cache that is fed by a list-watch holds, and how it was told. */
class Mirror implements CollectionHandler<Item> {
  readonly items = new Map<string, unknown>()
  replacements = 0

  replaced(items: readonly Item[]): void {
    this.replacements += 1
    this.items.clear()
    for (const item of items) this.upserted(item)
  }

  upserted({ name, value }: Item): void {
    this.items.set(name, value)
  }

  deleted(namespace: string | undefined, name: string): void {
    this.items.delete(`${namespace}/${name}`)
  }
}

function decode(raw: unknown): Item | undefined {
  const { kind, metadata, spec } = raw as {
    kind?: string
    metadata: { namespace: string; name: string }
    spec: unknown
  }
  if (spec === 'not for us') return undefined
  return { name: `${metadata.namespace}/${metadata.name}`, value: spec ?? kind }
}

interface Running {
  readonly watch: ListWatch<Item>
  readonly mirror: Mirror
  readonly bed: TestBed
  readonly counts: ReadonlyMap<string, number>
  stop(): Promise<void>
}

let server: ScriptedApiServer
const cleanups: (() => Promise<void>)[] = []

beforeEach(async () => {
  server = new ScriptedApiServer()
  await server.start()
})

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  await server.stop()
})

function watching(options: { watchIdleMs?: number; random?: () => number } = {}): Running {
  const bed = transportTo(server, 'any', options.watchIdleMs === undefined ? {} : { watchIdleMs: options.watchIdleMs })
  const mirror = new Mirror()
  const { metrics, counts } = memoryMetrics()
  const watch = new ListWatch<Item>({
    client: bed.transport,
    collection: {
      resource: 'oauthcredentials',
      path,
      apiVersion: 'oauth-operator.dev/v1alpha1',
      kind: 'OAuthCredential',
    },
    decode,
    handler: mirror,
    clock: bed.clock,
    random: options.random ?? ((): number => 0.5),
    logger: bed.log,
    metrics: metrics satisfies Metrics,
  })
  const stopping = new AbortController()
  const ended = watch.run(stopping.signal)
  const stop = async (): Promise<void> => {
    stopping.abort()
    await ended
  }
  cleanups.push(async () => {
    await stop()
    await bed.transport.close()
  })
  return { watch, mirror, bed, counts, stop }
}

function put(name: string, spec: unknown = 'first'): void {
  server.objects.put(path, { metadata: { namespace: 'ci', name }, spec })
}

async function listed(running: Running): Promise<void> {
  await eventually('the collection is listed', () => running.watch.listed())
}

async function told(running: Running, name: string, value: unknown): Promise<void> {
  await eventually(`${name} is ${String(value)}`, () => running.mirror.items.get(`ci/${name}`) === value)
}

const watches = () => server.requests.filter(({ watch }) => watch)
const lists = () => server.requests.filter(({ watch }) => !watch)

describe('the first state', () => {
  test('is streamed and handed over at once', async () => {
    for (let index = 0; index < 1000; index += 1) put(`c${index}`)
    const running = watching()
    await listed(running)
    expect(running.mirror.items.size).toBe(1000)
    expect(running.mirror.replacements).toBe(1)
    expect(lists()).toEqual([])
    const { timeoutSeconds, ...query } = watches()[0]?.query ?? {}
    expect(query).toEqual({
      watch: 'true',
      allowWatchBookmarks: 'true',
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
    })
    expect(Number(timeoutSeconds)).toBe(440)
  })

  test('is followed by changes on the same stream', async () => {
    put('a')
    const running = watching()
    await listed(running)
    put('a', 'second')
    put('b')
    server.objects.remove(path, { metadata: { namespace: 'ci', name: 'a' } })
    await eventually('b alone is left', () => [...running.mirror.items.keys()].join() === 'ci/b')
    expect(watches()).toHaveLength(1)
  })

  test('is listed in pages where the server does not stream it', async () => {
    server.objects.watchList = false
    for (let index = 0; index < 1201; index += 1) put(`c${index}`, null)
    const running = watching()
    await listed(running)
    expect(running.mirror.items.size).toBe(1201)
    expect(running.mirror.items.get('ci/c0')).toBe('OAuthCredential')
    expect(lists().map(({ query }) => query['limit'])).toEqual(['500', '500', '500'])
    put('late')
    await told(running, 'late', 'first')
  })

  test('is listed again when its version expires between two pages', async () => {
    server.objects.watchList = false
    for (let index = 0; index < 600; index += 1) put(`c${index}`)
    server.script(({ query }) => query['continue'] !== undefined, { status: 410 }, 2)
    const running = watching()
    await listed(running)
    expect(running.mirror.items.size).toBe(600)
    expect(running.mirror.replacements).toBe(1)
    expect(lists().map(({ query }) => query['limit'])).toEqual(['500', '500', '500', '500', undefined])
  })

  test('is listed when the stream never says that it is complete', async () => {
    put('a')
    server.objects.stalled = true
    const running = watching()
    await eventually('the list', () => lists().length === 1)
    server.objects.stalled = false
    await listed(running)
    expect([...running.mirror.items.keys()]).toEqual(['ci/a'])
  })

  test('leaves out what is not for us', async () => {
    put('a')
    put('b', 'not for us')
    const running = watching()
    await listed(running)
    put('c', 'not for us')
    put('d')
    await told(running, 'd', 'first')
    expect([...running.mirror.items.keys()]).toEqual(['ci/a', 'ci/d'])
  })

  test('is not handed over in part when the stream breaks', async () => {
    put('a')
    server.objects.stalled = true
    const running = watching()
    await eventually('the watch is open', () => server.objects.openWatches === 1)
    server.objects.send({ type: 'ADDED', object: { metadata: { namespace: 'ci', name: 'partial' } } })
    await delay(10)
    server.objects.stalled = false
    server.breakConnections()
    await listed(running)
    expect([...running.mirror.items.keys()]).toEqual(['ci/a'])
    expect(running.mirror.replacements).toBe(1)
  })
})

describe('interruptions', () => {
  test('a stream that the server ends is resumed where it was, without a list', async () => {
    put('a')
    const running = watching()
    await listed(running)
    put('b')
    await told(running, 'b', 'first')
    await delay(15)
    server.objects.endWatches()
    put('c')
    await told(running, 'c', 'first')
    expect(watches()[1]?.query).toMatchObject({ resourceVersion: '102' })
    expect(watches()[1]?.query['sendInitialEvents']).toBeUndefined()
    expect(running.mirror.replacements).toBe(1)
    expect(running.counts.get('watchRestarted oauthcredentials closed')).toBe(1)
  })

  test('a bookmark moves the position on', async () => {
    const running = watching()
    await listed(running)
    server.objects.put('/apis/other', { metadata: { name: 'x' } })
    server.objects.put('/apis/other', { metadata: { name: 'y' } })
    const before = running.counts.get('watchEvent oauthcredentials') ?? 0
    server.objects.bookmark()
    await eventually('the bookmark', () => running.counts.get('watchEvent oauthcredentials') === before + 1)
    await delay(15)
    server.objects.endWatches()
    await eventually('the next watch', () => watches().length === 2)
    expect(watches()[1]?.query['resourceVersion']).toBe('102')
  })

  test('a broken connection is resumed with backoff, and nothing is missed', async () => {
    const running = watching()
    await listed(running)
    server.breakConnections()
    put('missed')
    await told(running, 'missed', 'first')
    expect(running.mirror.replacements).toBe(1)
    expect(running.counts.get('watchRestarted oauthcredentials broken')).toBe(1)
  })

  test('a server that is killed and comes back is found again', async () => {
    const running = watching()
    await listed(running)
    await server.stop()
    await delay(60)
    put('meanwhile')
    await server.start()
    await told(running, 'meanwhile', 'first')
  })

  test('a half-open connection is noticed by its silence', async () => {
    const running = watching({ watchIdleMs: 5000 })
    await listed(running)
    server.objects.stalled = true
    put('unheard')
    await eventually('the silence is noticed', () => running.counts.get('watchRestarted oauthcredentials idle') === 1)
    server.objects.stalled = false
    await told(running, 'unheard', 'first')
    expect(running.mirror.replacements).toBe(1)
  })

  test('bookmarks alone keep a quiet watch alive', async () => {
    const running = watching({ watchIdleMs: 40_000 })
    await listed(running)
    for (let beat = 0; beat < 8; beat += 1) {
      server.objects.bookmark()
      await delay(80)
    }
    expect(watches()).toHaveLength(1)
    expect(running.bed.clock.monotonicMs() - (running.watch.lastByteAt() ?? 0)).toBeLessThan(40_000)
  })

  test('410 as an answer: the collection is fetched anew, with what was deleted meanwhile', async () => {
    put('a')
    put('gone')
    const running = watching()
    await listed(running)
    server.objects.forgetWatches()
    server.objects.remove(path, { metadata: { namespace: 'ci', name: 'gone' } })
    put('new')
    server.objects.compact()
    put('last')
    server.breakConnections()
    await told(running, 'last', 'first')
    expect([...running.mirror.items.keys()].sort()).toEqual(['ci/a', 'ci/last', 'ci/new'])
    expect(running.counts.get('watchRestarted oauthcredentials expired')).toBe(1)
  })

  test('410 as an event: the collection is fetched anew', async () => {
    const running = watching()
    await listed(running)
    server.objects.send({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })
    await eventually('the second list', () => running.mirror.replacements === 2)
    expect(running.counts.get('watchRestarted oauthcredentials expired')).toBe(1)
  })

  test('an error event that is no 410 resumes where the watch was', async () => {
    const running = watching()
    await listed(running)
    server.objects.send({ type: 'ERROR', object: { kind: 'Status', code: 500, reason: 'InternalError' } })
    await eventually('the second watch', () => watches().length === 2)
    expect(watches()[1]?.query['resourceVersion']).toBe('100')
  })

  test('a line that cannot be read makes the collection be fetched anew', async () => {
    const running = watching()
    await listed(running)
    server.objects.sendText('{"type":"ADDED", oops}\n')
    await eventually('the second list', () => running.mirror.replacements === 2)
  })

  test('a server whose state went back (etcd restored) has the collection fetched anew', async () => {
    put('a')
    const running = watching()
    await listed(running)
    server.objects.restore(50)
    server.objects.bookmark()
    await eventually('the second list', () => running.mirror.replacements === 2)
    put('b')
    await told(running, 'b', 'first')
    expect(running.counts.get('watchRestarted oauthcredentials went_back')).toBe(1)
  })
})

describe('refusals', () => {
  const refusals: Record<string, number> = { 'a 401': 401, 'a 403': 403, 'a 404': 404, 'a 500': 500, 'a 502': 502 }
  test.each(Object.entries(refusals))('%s is tried again until it is over', async (_, status) => {
    put('a')
    server.script(({ watch }) => watch, { status }, 3)
    const running = watching()
    await listed(running)
    expect(running.counts.get(`watchRestarted oauthcredentials http_${status}`)).toBe(3)
    expect(lists()).toEqual([])
  })

  test('a 429 is waited out for as long as it says', async () => {
    server.script(({ watch }) => watch, { status: 429, headers: { 'retry-after': '7' } })
    const running = watching({ random: () => 0 })
    const startMs = running.bed.clock.monotonicMs()
    await listed(running)
    expect(running.bed.clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(7000)
  })

  test('a kind that is missing is said once, with the remedy, and again when it is there', async () => {
    server.script(({ watch }) => watch, { status: 404 }, 6)
    const running = watching({ random: () => 0.1 })
    await listed(running)
    const lines = running.bed.log.lines.map((line) => JSON.parse(line) as { level: string; message: string })
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'info'])
    expect(lines[0]?.message).toContain('CustomResourceDefinitions (deploy/crds)')
  })

  test('one broken connection is not worth a line', async () => {
    const running = watching()
    await listed(running)
    server.breakConnections()
    await eventually('the next watch', () => watches().length === 2)
    put('a')
    await told(running, 'a', 'first')
    expect(running.bed.log.lines).toEqual([])
  })

  test('attempts become rarer, up to 30 s apart', async () => {
    server.script(() => true, { status: 500 }, 1000)
    const running = watching({ random: () => 0.999 })
    await eventually('a few attempts', () => watches().length >= 5)
    const elapsedMs = running.bed.clock.monotonicMs()
    expect(elapsedMs).toBeGreaterThan(14_000)
  })

  test('a server that ends every watch at once is not asked in a tight loop', async () => {
    server.script(({ query }) => query['resourceVersion'] !== undefined, { status: 200, body: '' }, 1000)
    const running = watching({ random: () => 0.999 })
    await listed(running)
    server.objects.endWatches()
    await delay(150)
    expect(watches().length).toBeLessThanOrEqual(7)
  })
})

test('a token that was rotated is read again when the watch is refused, and the watch goes on at once', async () => {
  const running = watching()
  await listed(running)
  const rotated = canary('secret')
  server.acceptedToken = rotated
  running.bed.settings.rotateTo(rotated)
  await delay(15)
  server.objects.endWatches()
  put('a')
  await told(running, 'a', 'first')
  expect(watches().map(({ headers }) => headers['authorization'] === `Bearer ${rotated}`)).toEqual([false, false, true])
  expect([...running.counts.keys()].filter((key) => key.startsWith('watchRestarted'))).toEqual([
    'watchRestarted oauthcredentials closed',
  ])
})

describe('stopping', () => {
  test('closes the watch and opens no other', async () => {
    const running = watching()
    await listed(running)
    await running.stop()
    await eventually('the watch is closed', () => server.objects.openWatches === 0)
    await delay(30)
    expect(server.requests).toHaveLength(1)
  })

  test('during backoff ends at once and opens no watch afterwards', async () => {
    server.script(() => true, { status: 500 }, 1000)
    const running = watching({ random: () => 0.999 })
    await eventually('a backoff of seconds', () => watches().length === 4)
    const startMs = running.bed.clock.monotonicMs()
    await running.stop()
    expect(running.bed.clock.monotonicMs() - startMs).toBeLessThan(6000)
    const sent = server.requests.length
    await delay(200)
    expect(server.requests).toHaveLength(sent)
  })

  test('during a list ends at once and hands nothing over', async () => {
    server.objects.watchList = false
    server.script(({ watch }) => !watch, 'hang')
    const running = watching()
    await eventually('the list', () => lists().length === 1)
    await running.stop()
    expect(running.watch.listed()).toBe(false)
    expect(running.mirror.replacements).toBe(0)
  })

  test('from inside the handler leaves the rest of the chunk alone', async () => {
    const running = watching()
    await listed(running)
    running.mirror.upserted = ({ name }) => {
      running.mirror.items.set(name, 'told')
      void running.stop()
    }
    const event = (name: string) =>
      `${JSON.stringify({ type: 'ADDED', object: { metadata: { namespace: 'ci', name } } })}\n`
    server.objects.sendText(event('one') + event('two'))
    await eventually('the first', () => running.mirror.items.size > 0)
    await delay(20)
    expect([...running.mirror.items.keys()]).toEqual(['ci/one'])
  })
})

test.each(['watchList', 'list'])('an exception of the handler surfaces (%s)', async (way) => {
  server.objects.watchList = way === 'watchList'
  const bed = transportTo(server)
  const { metrics } = memoryMetrics()
  const handler = new Mirror()
  handler.replaced = () => {
    throw new Error('a bug in the handler')
  }
  const { clock, log: logger, transport: client } = bed
  const collection = { resource: 'oauthcredentials', path, apiVersion: 'v1', kind: 'x' }
  const random = (): number => 0
  const watch = new ListWatch({ client, collection, decode, handler, clock, random, logger, metrics })
  await expect(watch.run(new AbortController().signal)).rejects.toThrow('a bug in the handler')
  await bed.transport.close()
})
