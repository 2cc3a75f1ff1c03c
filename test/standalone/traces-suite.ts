import { describe, expect, it } from 'vitest'
import { observeOutput } from '../support/canary.ts'
import { OtlpReceiver } from '../support/otlp-receiver.ts'
import { credentialManifest, freePort, StandaloneBench, until } from './standalone-bench.ts'

const oneRefresh = `
refresh
  gather
  read-refresh-token
  pre-flight
  send-refresh-token
    token-request
      record-intent
  write-back
  publish
  record
`

/** What the standard environment turns on. */
export function traceSuite(): void {
  // By itself: at the start of the others both cores are busy with starting processes.
  describe('standalone mode whose environment names a collector', () => {
    it('hands over one whole trace of a refresh, and is held up by no collector at its end', async ({
      onTestFinished,
    }) => {
      const receiver = new OtlpReceiver()
      const bench = await StandaloneBench.open({ accessTokenSeconds: 300, credentials: ['agent'] })
      onTestFinished(async () => {
        await bench.close()
        await receiver.close()
      })
      const address = `127.0.0.1:${await freePort()}`
      const environment = {
        OTEL_EXPORTER_OTLP_ENDPOINT: await receiver.open(),
        OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=ci',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
        OTEL_BSP_SCHEDULE_DELAY: '50',
      }
      const { process } = bench.runIn(environment, '--metrics-address', address)
      await until(() => expect(receiver.trees('refresh')).toEqual([oneRefresh.trim()]))
      expectSpans(receiver, bench)
      const accept = 'application/openmetrics-text;version=1.0.0'
      const metrics = await (await fetch(`http://${address}/metrics`, { headers: { accept } })).text()
      observeOutput('/metrics', metrics)
      const [, shown] = /trace_id="(\w+)"/.exec(metrics) ?? []
      expect(shown).toBe(receiver.spans.find(({ name }) => name === 'token-request')?.traceId)
      receiver.manner = 'silent'
      const { requests } = receiver
      bench.manifest('agent', credentialManifest('agent').replace('"raw"', '"header"'))
      await until(() => expect(receiver.requests).toBeGreaterThan(requests))
      const beganMs = performance.now()
      expect(await process.stop()).toEqual({ code: 0, signal: null })
      expect(performance.now() - beganMs).toBeLessThan(8000)
    })
  })
}

function expectSpans({ spans, headers }: OtlpReceiver, bench: StandaloneBench): void {
  const root = spans.find(({ name }) => name === 'refresh')
  const request = spans.find(({ name }) => name === 'token-request')
  expect(headers).toMatchObject({ 'x-tenant': 'ci' })
  expect(root?.resource).toMatchObject({
    'service.name': 'oauth-credential-operator',
    'deployment.environment.name': 'test',
  })
  expect(root?.attributes).toMatchObject({
    'k8s.namespace.name': 'default',
    'oauthcredential.name': 'agent',
    'oauthcredential.provider': 'server',
    'oauthcredential.outcome': 'fine',
    'oauthcredential.refreshes': 1,
  })
  expect(request?.isClient).toBe(true)
  expect(request?.attributes).toEqual({
    'http.request.method': 'POST',
    'url.scheme': 'http',
    'server.address': '127.0.0.1',
    'server.port': bench.relay.port,
    'http.response.status_code': 200,
  })
  expect(spans.filter(({ isError }) => isError)).toEqual([])
  for (const { parentId, began, ended } of spans) {
    const parent = spans.find(({ spanId }) => spanId === parentId)
    expect(began <= ended && (parent === undefined || (parent.began <= began && ended <= parent.ended))).toBe(true)
  }
}
