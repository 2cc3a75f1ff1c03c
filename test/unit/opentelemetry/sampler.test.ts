import { expect, test } from 'vitest'
import { samplerFor } from '../../../src/adapters/opentelemetry/sampler.ts'

test.each([
  [undefined, undefined, 'AlwaysOnSampler'],
  ['always_on', '', 'AlwaysOnSampler'],
  ['Always_Off', undefined, 'AlwaysOffSampler'],
  ['traceidratio', '0.25', 'TraceIdRatioBased{0.25}'],
  ['traceidratio', undefined, 'TraceIdRatioBased{1}'],
  ['traceidratio', 'a quarter', 'TraceIdRatioBased{1}'],
  ['traceidratio', '7', 'TraceIdRatioBased{1}'],
  ['parentbased_always_on', undefined, 'ParentBased{root=AlwaysOnSampler'],
  ['parentbased_traceidratio', '0.5', 'ParentBased{root=TraceIdRatioBased{0.5}'],
  ['jaeger_remote', undefined, 'undefined'],
])('the sampler %s with the argument %s', (sampler, argument, expected) => {
  expect(String(samplerFor({ sampler, argument })?.toString())).toContain(expected)
})
