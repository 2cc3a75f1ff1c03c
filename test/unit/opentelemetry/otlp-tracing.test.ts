import { afterEach, describe, expect, test, vi } from 'vitest'
import { OtlpTracing } from '../../../src/adapters/opentelemetry/otlp-tracing.ts'
import { LogLines } from '../../support/memory-ports.ts'
import { OtlpReceiver } from '../../support/otlp-receiver.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'

let receiver: OtlpReceiver

afterEach(async () => {
  vi.unstubAllEnvs()
  await receiver.close()
})

async function someTracing(changes: Partial<ConstructorParameters<typeof OtlpTracing>[0]> = {}) {
  receiver = new OtlpReceiver()
  vi.stubEnv('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', `${await receiver.open()}/v1/traces`)
  const [clock, log] = [new SimulatedClock(), new LogLines()]
  const known = { clock, logger: log, version: '1', replica: 'a', collector: 'c', sampler: undefined }
  return { tracing: new OtlpTracing({ ...known, argument: undefined, ...changes }), clock, log }
}

describe('a trace', () => {
  test('has the times of the clock, and parts that began before it was known to be one', async () => {
    const { tracing, clock } = await someTracing()
    const beganMs = clock.monotonicMs()
    const at = BigInt(clock.now()) * 1_000_000_000n
    await clock.pass(2)
    const root = tracing.begin({ name: 'refresh', beganMs })
    root.child({ name: 'gather', beganMs }).end()
    const part = root.child({ name: 'part' })
    await clock.pass(0.5)
    part.end({ 'error.type': 'STORE_FORBIDDEN', count: 3, nothing: undefined })
    root.end()
    expect(root.traceId).toMatch(/^[0-9a-f]{32}$/)
    expect(await tracing.stop()).toBe(true)
    expect(receiver.trees('refresh')).toEqual(['refresh\n  gather\n  part'])
    expect(receiver.spans.map(({ name, began, ended }) => [name, began - at, ended - at])).toEqual([
      ['gather', 0n, 2_000_000_000n],
      ['part', 2_000_000_000n, 2_500_000_000n],
      ['refresh', 0n, 2_500_000_000n],
    ])
    expect(receiver.spans.map(({ isError }) => isError)).toEqual([false, true, false])
    expect(receiver.spans[1]?.attributes).toEqual({ 'error.type': 'STORE_FORBIDDEN', count: 3 })
    expect(receiver.spans[0]?.resource).toMatchObject({
      'service.name': 'oauth-credential-operator',
      'service.version': '1',
      'service.instance.id': 'a',
    })
  })

  test('that is not sampled has no id, and goes nowhere', async () => {
    const { tracing } = await someTracing({ sampler: 'always_off' })
    const root = tracing.begin({ name: 'refresh' })
    const part = root.child({ name: 'part' })
    part.end()
    root.end()
    expect([root.traceId, part.traceId]).toEqual([undefined, undefined])
    expect(await tracing.stop()).toBe(true)
    expect(receiver.requests).toBe(0)
  })

  test('is kept with all others under a sampler that is not known, which is told', async () => {
    const { tracing, log } = await someTracing({ sampler: 'jaeger_remote' })
    expect(tracing.begin({ name: 'refresh' }).traceId).toBeDefined()
    expect(log.lines).toHaveLength(1)
    expect(log.lines[0]).toContain('OTEL_TRACES_SAMPLER')
    await tracing.stop()
  })

  test('beyond what may wait is dropped', async () => {
    const { tracing } = await someTracing({ maxQueueSize: 5 })
    for (let at = 0; at < 20; at += 1) tracing.begin({ name: `refresh ${at}` }).end()
    await tracing.stop()
    // Five are on their way, and five wait.
    expect(receiver.spans).toHaveLength(10)
  })
})

describe('a collector', () => {
  test('that refuses is told of, and holds nothing up', async () => {
    const { tracing, log } = await someTracing()
    receiver.manner = 400
    tracing.begin({ name: 'refresh' }).end()
    expect(await tracing.stop()).toBe(true)
    expect(log.lines).toHaveLength(1)
    expect(log.lines[0]).toContain('The collector does not take traces')
  })

  test('that never answers is waited for no longer than two seconds at the end', async () => {
    const { tracing, clock } = await someTracing()
    receiver.manner = 'silent'
    tracing.begin({ name: 'refresh' }).end()
    const stopped = tracing.stop()
    await vi.waitFor(() => expect(receiver.requests).toBe(1))
    await clock.pass(1.9)
    const isOver = await Promise.race([stopped, Promise.resolve('not yet')])
    expect(isOver).toBe('not yet')
    await clock.pass(0.2)
    expect(await stopped).toBe(false)
  })
})
