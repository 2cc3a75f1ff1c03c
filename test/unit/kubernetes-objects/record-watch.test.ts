import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { KubeClient } from '../../../src/adapters/kubernetes/kube-client.ts'
import { recordBody } from '../../../src/adapters/kubernetes/record-secret.ts'
import { RecordWatch } from '../../../src/adapters/kubernetes/record-watch.ts'
import { newRecord } from '../../../src/domain/refresh-record.ts'
import { valueOf } from '../../contract/refresh-records.ts'
import { FaultyClient, lost } from '../../support/faulty-client.ts'
import { eventually, transportTo, type TestBed } from '../../support/kube-test-bed.ts'
import { LogLines } from '../../support/memory-ports.ts'
import { recordsOver } from '../../support/record-harnesses.ts'
import { ScaledClock } from '../../support/scaled-clock.ts'
import type { SeenRequest } from '../../support/scripted-answer.ts'
import { ScriptedApiServer } from '../../support/scripted-api-server.ts'
import type { ScriptedObject } from '../../support/scripted-collections.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'

const namespace = 'operator'
const path = `/api/v1/namespaces/${namespace}/secrets`
const markName = 'oauth-refresh-mark'
const markAnnotation = 'oauth-operator.dev/refresh-records-mark'
const patienceSeconds = 15
const pauseSeconds = 300
const minute = 60

/** What somebody sees of one list. */
interface Shown {
  /** Undefined while it is under way. */
  uids: readonly string[] | undefined
}

/** A process that lists records, on a clock that passes as told, and everybody else at the API server. */
class WatchBench {
  readonly server = new ScriptedApiServer()
  readonly clock = new SimulatedClock()
  readonly log = new LogLines()
  readonly #watches: RecordWatch[] = []
  #bed: TestBed | undefined
  #watch: RecordWatch | undefined
  #client: KubeClient | undefined

  async start(): Promise<void> {
    await this.server.start()
    this.#bed = transportTo(this.server, 'any', { clock: new ScaledClock(1) })
    this.begin(this.#bed.transport)
  }

  async stop(): Promise<void> {
    for (const watch of this.#watches) await watch.stop()
    await this.#bed?.transport.close()
    await this.server.stop()
  }

  get transport(): KubeClient {
    if (this.#bed === undefined) throw new Error('not started')
    return this.#bed.transport
  }

  get watch(): RecordWatch {
    if (this.#watch === undefined) throw new Error('not started')
    return this.#watch
  }

  /** A process over this client takes the place of the one before. */
  begin(client: KubeClient): void {
    const { clock, log: logger } = this
    this.#client = client
    this.#watch = new RecordWatch({ client, namespace, clock, random: () => 0.5, logger })
    this.#watches.push(this.#watch)
  }

  /** Somebody writes a record, new or known. */
  write(uid: string): void {
    this.server.objects.put(path, recordSecret(uid))
  }

  remove(uid: string): void {
    this.server.objects.remove(path, recordSecret(uid))
  }

  /** Somebody changes the record by hand, and it is one no more. */
  damage(uid: string): void {
    const { metadata, ...secret } = recordSecret(uid)
    this.server.objects.put(path, { ...secret, metadata: { ...metadata, annotations: {} } } as ScriptedObject)
  }

  /** Begins a list. */
  ask(): Shown {
    if (this.#client === undefined) throw new Error('not started')
    const shown: Shown = { uids: undefined }
    const seen: string[] = []
    const listing = recordsOver(this.#client, namespace, this.watch).list(({ uid }) => seen.push(uid))
    void listing.then((result) => {
      valueOf(result)
      shown.uids = seen.toSorted()
    })
    return shown
  }

  /** What a list shows, once it has been given a little time. */
  async listed(shown: Shown = this.ask()): Promise<readonly string[]> {
    for (let turn = 0; turn < 1000 && shown.uids === undefined; turn += 1) {
      await this.clock.pass(0.01)
      await delay(2)
    }
    if (shown.uids === undefined) throw new Error('waited in vain for a list')
    return shown.uids
  }

  /** Lists until the watch tells. */
  async warmUp(): Promise<void> {
    await this.listed()
    await this.listed()
    expect(this.pages()).toHaveLength(1)
    expect(this.marks()).toHaveLength(1)
  }

  /** Begins a list, up to where the API server has got its mark: so many by then. */
  async askUntilMarked(count: number): Promise<Shown> {
    const shown = this.ask()
    await this.clock.pass(1)
    await eventually('the mark', () => this.marks().length === count)
    return shown
  }

  pages = (): readonly SeenRequest[] => this.#seen(({ method, watch }) => method === 'GET' && !watch)
  marks = (): readonly SeenRequest[] => this.#seen(isMark)
  watches = (): readonly SeenRequest[] => this.#seen(({ watch }) => watch)

  #seen(matches: (request: SeenRequest) => boolean): readonly SeenRequest[] {
    return this.server.requests.filter(matches)
  }
}

function isMark({ method, path: at }: SeenRequest): boolean {
  return method === 'PATCH' && at === `${path}/${markName}`
}

function recordSecret(uid: string): ScriptedObject {
  const sealed = { retained: undefined, kept: [] }
  return recordBody(newRecord(uid, { namespace: 'ci', name: uid }), sealed, 'a write') as ScriptedObject
}

let bench: WatchBench

beforeEach(async () => {
  bench = new WatchBench()
  await bench.start()
  bench.write('a')
  bench.write('b')
})
afterEach(async () => {
  await bench.stop()
})

describe('lists of records', () => {
  test('that are alone ask for pages, and leave no mark', async () => {
    expect(await bench.listed()).toEqual(['a', 'b'])
    await bench.clock.pass(minute)
    expect(await bench.listed()).toEqual(['a', 'b'])
    expect(bench.pages()).toHaveLength(2)
    expect([...bench.marks(), ...bench.watches()]).toEqual([])
  })

  test('that follow each other are told by a watch of metadata, which shows whatever others do', async () => {
    await bench.warmUp()
    bench.write('c')
    bench.remove('a')
    expect(await bench.listed()).toEqual(['b', 'c'])
    bench.damage('b')
    expect(await bench.listed()).toEqual(['c'])
    bench.write('b')
    expect(await bench.listed()).toEqual(['b', 'c'])
    expect(bench.pages()).toHaveLength(1)
    expect(bench.watches()).toHaveLength(1)
    expect(bench.watches()[0]?.headers['accept']).toContain('as=PartialObjectMetadata;')
    expect(bench.watches()[0]?.query['labelSelector']).toBe('oauth-operator.dev/refresh-record-of')
  })

  test('show versions as they are now', async () => {
    await bench.warmUp()
    await bench.clock.pass(1)
    const before = await bench.watch.current()
    bench.write('a')
    await bench.clock.pass(1)
    const after = await bench.watch.current()
    const versionIn = (told: typeof after) => told?.find(({ uid }) => uid === 'a')?.version
    const version = bench.server.objects.get(path, 'oauth-refresh-a')?.metadata.resourceVersion
    expect(versionIn(after)).toBe(`undefined/${version}`)
    expect(versionIn(after)).not.toBe(versionIn(before))
  })

  test('are told where the API server does not stream what is there', async () => {
    bench.server.objects.watchList = false
    await bench.listed()
    expect(await bench.listed()).toEqual(['a', 'b'])
    bench.write('c')
    expect(await bench.listed()).toEqual(['a', 'b', 'c'])
    expect(bench.marks()).toHaveLength(2)
  })

  test('have what was written before, although its event is late', async () => {
    await bench.warmUp()
    bench.server.objects.hold()
    bench.write('c')
    const shown = await bench.askUntilMarked(2)
    await delay(50)
    expect(shown.uids).toBeUndefined()
    bench.server.objects.release()
    expect(await bench.listed(shown)).toEqual(['a', 'b', 'c'])
    expect(bench.pages()).toHaveLength(1)
  })

  test('that begin together have one mark', async () => {
    await bench.warmUp()
    const all = [bench.ask(), bench.ask(), bench.ask()]
    for (const shown of all) expect(await bench.listed(shown)).toEqual(['a', 'b'])
    expect(bench.marks()).toHaveLength(2)
    expect(bench.pages()).toHaveLength(1)
  })

  test('that follow each other at once leave their marks a fifth of a second apart', async () => {
    await bench.warmUp()
    const shown = bench.ask()
    await bench.clock.pass(0.1)
    await delay(20)
    expect(bench.marks()).toHaveLength(1)
    await bench.clock.pass(0.1)
    await eventually('the mark', () => bench.marks().length === 2)
    expect(await bench.listed(shown)).toEqual(['a', 'b'])
  })

  test('that begin after a mark was sent have another one', async () => {
    await bench.warmUp()
    bench.server.objects.hold()
    const earlier = await bench.askUntilMarked(2)
    bench.write('c')
    const later = await bench.askUntilMarked(3)
    bench.server.objects.release()
    expect(await bench.listed(earlier)).toEqual(['a', 'b'])
    expect(await bench.listed(later)).toEqual(['a', 'b', 'c'])
  })

  test('have no use for the mark of another process', async () => {
    await bench.warmUp()
    bench.server.objects.hold()
    bench.write('c')
    const shown = await bench.askUntilMarked(2)
    const annotations = { [markAnnotation]: 'another/1000' }
    const labels = { 'oauth-operator.dev/refresh-record-of': 'none' }
    const metadata = { name: markName, labels, annotations, resourceVersion: '1000' }
    bench.server.objects.send({ type: 'MODIFIED', object: { metadata } })
    await delay(50)
    expect(shown.uids).toBeUndefined()
    bench.server.objects.put(path, { metadata })
    bench.server.objects.release()
    expect(await bench.listed(shown)).toEqual(['a', 'b', 'c'])
    expect(await bench.listed()).toEqual(['a', 'b', 'c'])
    expect(bench.pages()).toHaveLength(1)
  })

  test('ask for pages again after a minute in which nobody has asked, and the watch is closed', async () => {
    await bench.warmUp()
    await bench.clock.pass(minute - 1)
    expect(bench.server.objects.openWatches).toBe(1)
    expect(await bench.listed()).toEqual(['a', 'b'])
    expect(bench.pages()).toHaveLength(1)
    await bench.clock.pass(minute)
    await eventually('the watch is closed', () => bench.server.objects.openWatches === 0)
    await bench.listed()
    expect(bench.pages()).toHaveLength(2)
    expect(bench.watches()).toHaveLength(1)
    expect(await bench.listed()).toEqual(['a', 'b'])
    expect(bench.pages()).toHaveLength(2)
  })
})

describe('a watch that breaks', () => {
  test.each([
    ['with its connection', () => bench.server.breakConnections()],
    ['because its place is no more', () => expire()],
  ])('%s is made again, and what was missed is there', async (_, breakIt) => {
    await bench.warmUp()
    breakIt()
    bench.write('c')
    bench.remove('a')
    expect(await bench.listed()).toEqual(['b', 'c'])
    expect(bench.pages()).toHaveLength(1)
    expect(bench.watches()).toHaveLength(2)
  })

  test('shows a later mark in the place of an earlier one, which does for both', async () => {
    await bench.warmUp()
    bench.server.objects.hold()
    bench.write('c')
    const earlier = await bench.askUntilMarked(2)
    const later = await bench.askUntilMarked(3)
    expire()
    bench.server.objects.release()
    expect(await bench.listed(earlier)).toEqual(['a', 'b', 'c'])
    expect(await bench.listed(later)).toEqual(['a', 'b', 'c'])
    expect(bench.pages()).toHaveLength(1)
  })

  function expire(): void {
    bench.server.objects.compact()
    bench.server.objects.send({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })
  }
})

describe('records are listed by pages', () => {
  test('where the watch is refused, without a wait and with a warning, and it is not asked for again and again', async () => {
    bench.server.script(({ watch }) => watch, { status: 403, body: { kind: 'Status', reason: 'Forbidden' } }, 1000)
    await bench.listed()
    bench.server.objects.stalled = true
    const shown = bench.ask()
    await eventually('the list', () => shown.uids !== undefined)
    expect(shown.uids).toEqual(['a', 'b'])
    await expectPause()
    expect(bench.watches()).toHaveLength(1)
    const warning = bench.log.lines.filter((line) => line.includes('"level":"warn"')).join()
    expect(warning).toContain('Watching refresh records is interrupted. The API server refuses: grant the operator')
  })

  test('where the mark is refused, and none is written again and again', async () => {
    await bench.listed()
    bench.server.script(isMark, { status: 403 }, 1)
    expect(await bench.listed()).toEqual(['a', 'b'])
    expect(bench.pages()).toHaveLength(2)
    await expectPause()
  })

  test('where a mark fails, and the next one is told again', async () => {
    await bench.warmUp()
    bench.server.script(isMark, { status: 500 }, 1)
    expect(await bench.listed()).toEqual(['a', 'b'])
    expect(bench.pages()).toHaveLength(2)
    expect(await bench.listed()).toEqual(['a', 'b'])
    expect(bench.pages()).toHaveLength(2)
  })

  test('where a mark never shows, after a while, and none is waited for again and again', async () => {
    await bench.warmUp()
    bench.server.objects.stalled = true
    bench.write('c')
    const shown = await bench.askUntilMarked(2)
    await bench.clock.pass(patienceSeconds - 2)
    expect(shown.uids).toBeUndefined()
    await bench.clock.pass(2)
    expect(await bench.listed(shown)).toEqual(['a', 'b', 'c'])
    await eventually('the watch is closed', () => bench.server.objects.openWatches === 0)
    await expectPause()
  })

  test('but not where the answer to a mark alone is lost', async () => {
    const faulty = new FaultyClient(bench.transport)
    bench.begin(faulty)
    await bench.warmUp()
    faulty.once({ matches: ({ method }) => method === 'PATCH', carriedOut: true, outcome: lost })
    bench.write('c')
    expect(await bench.listed()).toEqual(['a', 'b', 'c'])
    expect(bench.pages()).toHaveLength(1)
  })

  /** Lists by pages without a wait, until the pause is over. */
  async function expectPause(): Promise<void> {
    bench.server.objects.stalled = false
    const [pages, marks, watches] = [bench.pages().length, bench.marks().length, bench.watches().length]
    for (let asked = 0; asked < 5; asked += 1) {
      await bench.clock.pass(pauseSeconds / 6)
      const shown = bench.ask()
      await eventually('the list', () => shown.uids !== undefined)
    }
    expect(bench.pages()).toHaveLength(pages + 5)
    expect([bench.marks().length, bench.watches().length]).toEqual([marks, watches])
    expect(bench.server.objects.openWatches).toBe(0)
  }

  test('until a pause is over', async () => {
    await bench.listed()
    bench.server.script(({ watch }) => watch, { status: 403 }, 1)
    await bench.listed()
    await bench.clock.pass(pauseSeconds)
    await bench.listed()
    const pages = bench.pages().length
    expect(await bench.listed()).toEqual(['a', 'b'])
    expect(bench.pages()).toHaveLength(pages)
  })
})

describe('after the stop', () => {
  test('who waits lists by pages, the watch is closed, and no other one is opened', async () => {
    await bench.warmUp()
    bench.server.objects.hold()
    const [marked, unmarked] = [await bench.askUntilMarked(2), bench.ask()]
    await bench.watch.stop()
    for (const shown of [marked, unmarked]) {
      await eventually('the list', () => shown.uids !== undefined)
      expect(shown.uids).toEqual(['a', 'b'])
    }
    await eventually('the watch is closed', () => bench.server.objects.openWatches === 0)
    expect(await bench.listed()).toEqual(['a', 'b'])
    await bench.clock.pass(1)
    expect(await bench.listed()).toEqual(['a', 'b'])
    expect(bench.pages()).toHaveLength(5)
    expect(bench.marks()).toHaveLength(2)
    expect(bench.watches()).toHaveLength(1)
    await bench.watch.stop()
  })
})
