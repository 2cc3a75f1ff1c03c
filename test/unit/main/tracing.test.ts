import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { openTracing, traceWish } from '../../../src/main/tracing.ts'
import { LogLines } from '../../support/memory-ports.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }

describe('traces', () => {
  test.each([
    ['no variable', {}, undefined],
    ['an empty endpoint', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }, undefined],
    ['an endpoint', endpoint, 'collector:4318'],
    ['an endpoint of traces alone', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://other/x' }, 'other'],
    ['both', { ...endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://other/x' }, 'other'],
    ['no exporter', { ...endpoint, OTEL_TRACES_EXPORTER: 'none' }, undefined],
    ['an exporter alone', { OTEL_TRACES_EXPORTER: 'OTLP' }, 'localhost:4318'],
    ['several exporters', { ...endpoint, OTEL_TRACES_EXPORTER: 'console, otlp' }, 'collector:4318'],
    ['no SDK', { ...endpoint, OTEL_SDK_DISABLED: 'TRUE' }, undefined],
    ['an SDK that is not disabled', { ...endpoint, OTEL_SDK_DISABLED: 'no' }, 'collector:4318'],
    ['a protocol over HTTP', { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, 'collector:4318'],
  ])('with %s', (_, environment, host) => {
    const { collector, problems = [] } = traceWish(environment)
    expect(collector?.host).toBe(host)
    expect(problems).toEqual([])
  })

  test.each([
    ['another exporter', { ...endpoint, OTEL_TRACES_EXPORTER: 'zipkin' }, undefined],
    ['an endpoint that is none', { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' }, undefined],
    ['an endpoint without HTTP', { OTEL_EXPORTER_OTLP_ENDPOINT: 'unix:///run/collector' }, undefined],
    ['another protocol', { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'collector:4318'],
  ])('with %s: that is told', (_, environment, host) => {
    const { collector, problems = [] } = traceWish(environment)
    expect(collector?.host).toBe(host)
    expect(problems.map(({ message }) => message)).toEqual([expect.stringMatching(/^[A-Z].*\.$/)])
  })

  it('are not there, and their problem is told once, where they cannot be had', async () => {
    const log = new LogLines()
    const options = { clock: new SimulatedClock(), logger: log }
    expect((await openTracing({}, 'a', options)).tracing).toBeUndefined()
    expect(log.lines).toEqual([])
    const traces = await openTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' }, 'a', options)
    expect(traces.tracing).toBeUndefined()
    expect(log.lines).toHaveLength(1)
    await traces.end()
  })

  it('are not begun with files that cannot be used, and the log says why', async () => {
    const log = new LogLines()
    const options = { clock: new SimulatedClock(), logger: log }
    const environment = { ...endpoint, OTEL_EXPORTER_OTLP_CERTIFICATE: '/nothing/here.pem' }
    expect((await openTracing(environment, 'a', options)).tracing).toBeUndefined()
    expect(log.lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        level: 'warn',
        code: 'ENOENT',
        message: 'OTEL_EXPORTER_OTLP_CERTIFICATE names a file that cannot be read: no traces are sent.',
      },
    ])
  })

  it('are loaded in one place, and there only when they are wanted', () => {
    const others = globSync('src/**/*.ts', { exclude: (path) => path === 'src/adapters/opentelemetry' })
    const loading = others.filter((path) => /opentelemetry\/|@opentelemetry/.test(readFileSync(path, 'utf8')))
    expect(loading).toEqual(['src/main/tracing.ts'])
    expect(readFileSync('src/main/tracing.ts', 'utf8').match(/opentelemetry\//g)).toHaveLength(1)
    expect(readFileSync('src/main/tracing.ts', 'utf8')).toMatch(/await import\('[^']*opentelemetry\//)
  })
})
