import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { defaultResponseTimeoutMs, terminationGracePeriodSeconds } from '../../../src/adapters/oauth/patience.ts'

const architecture = readFileSync('docs/architecture.md', 'utf8')

it('a Pod is given the longest wait for an answer, and half a minute to bring it home', () => {
  expect(terminationGracePeriodSeconds * 1000).toBe(defaultResponseTimeoutMs + 30_000)
})

it('the documentation names that time', () => {
  const [, named] = /^terminationGracePeriodSeconds: (\d+)$/m.exec(architecture) ?? []
  expect(Number(named)).toBe(terminationGracePeriodSeconds)
  expect(architecture).toContain(`A server may take ${defaultResponseTimeoutMs / 1000} seconds for an answer`)
})
