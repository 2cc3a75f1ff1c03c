import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Environment, traceProblems } from '../../../src/main/trace-environment.ts'
import { canary, observeOutput } from '../../support/canary.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'oauth-operator-traces-'))
  writeFileSync(join(directory, 'nonsense'), 'no certificate')
  writeFileSync(join(directory, 'cut.pem'), '-----BEGIN CERTIFICATE-----\nMIIB')
})
afterAll(() => rmSync(directory, { recursive: true }))

function messagesOf(environment: Environment): readonly string[] {
  const problems = traceProblems(environment)
  observeOutput('log', JSON.stringify(problems))
  return problems.map(({ message }) => message)
}

describe('what can be had is not told', () => {
  test.each<readonly [string, string]>([
    ['OTEL_EXPORTER_OTLP_TIMEOUT', '1500'],
    ['OTEL_EXPORTER_OTLP_TRACES_COMPRESSION', 'gzip'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'authorization=Bearer%20x, x-tenant=a'],
    ['OTEL_RESOURCE_ATTRIBUTES', 'k8s.pod.name=a,team=%C3%A9'],
    ['OTEL_BSP_MAX_QUEUE_SIZE', '10'],
    ['OTEL_BSP_SCHEDULE_DELAY', '10'],
    ['OTEL_TRACES_SAMPLER_ARG', '0.1'],
    ['OTEL_EXPORTER_OTLP_CERTIFICATE', ' '],
  ])('%s=%s', (name, value) => {
    expect(messagesOf({ [name]: value })).toEqual([])
  })
})

describe('what cannot is told with the name of its variable, and without its content', () => {
  test.each<readonly [string, string]>([
    ['OTEL_EXPORTER_OTLP_TIMEOUT', '10s'],
    ['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', '0'],
    ['OTEL_EXPORTER_OTLP_COMPRESSION', 'zstd'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'authorization'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'authorization=Bearer%zz'],
    ['OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'a=b%0Ac'],
    ['OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'a b=c'],
    ['OTEL_RESOURCE_ATTRIBUTES', 'team'],
    ['OTEL_BSP_MAX_QUEUE_SIZE', '-1'],
    ['OTEL_BSP_SCHEDULE_DELAY', '5s'],
    ['OTEL_TRACES_SAMPLER_ARG', '10%'],
  ])('%s=%s', (name, value) => {
    const secret = canary('secret')
    const [message = '', ...others] = messagesOf({ [name]: `${value}${name.includes('HEADERS') ? secret : ''}` })
    expect(message).toMatch(new RegExp(`^${name} [^%]*\\.$`))
    expect(others).toEqual([])
  })

  test.each<readonly [string, Environment]>([
    ['OTEL_EXPORTER_OTLP_CERTIFICATE', { OTEL_EXPORTER_OTLP_CERTIFICATE: 'nonsense' }],
    ['OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE', { OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: 'cut.pem' }],
    ['OTEL_EXPORTER_OTLP_CLIENT_KEY', { OTEL_EXPORTER_OTLP_CLIENT_KEY: 'nonsense' }],
    [
      'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, OTEL_EXPORTER_OTLP_CLIENT_KEY',
      { OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: 'cut.pem', OTEL_EXPORTER_OTLP_CLIENT_KEY: 'nonsense' },
    ],
  ])('files of %s that are no certificate', (names, environment) => {
    const paths = Object.entries(environment).map(([name, file]) => [name, join(directory, file ?? '')] as const)
    const problems = traceProblems(Object.fromEntries(paths))
    const message = `${names} name no PEM that can be used: no traces are sent.`
    expect(problems).toEqual([{ message, isFatal: true }])
  })
})
