import { describe, expect, it } from 'vitest'
import type { Observed } from '../../../src/domain/observed.ts'
import type { Rotation } from '../../../src/domain/provider.ts'
import { mayRotate, tokenOrigin } from '../../../src/domain/rotation.ts'
import { anObservation, aProvider, aRotation, refreshedState } from '../../support/builders.ts'

function known(rotates: boolean): Partial<Observed> {
  return { state: refreshedState(600, 3600, { rotates }) }
}

const rotations: Record<string, [mode: Rotation['mode'], changes: Partial<Observed>, expected: boolean]> = {
  'always, as it is said': ['Always', {}, true],
  'always, whatever was seen': ['Always', known(false), true],
  'never, as it is said': ['Never', {}, false],
  'never, whatever was seen': ['Never', known(true), false],
  'perhaps, while nothing was seen': ['Detect', {}, true],
  'since it was seen to': ['Detect', known(true), true],
  'not since it was seen not to': ['Detect', known(false), false],
}

describe('a server rotates', () => {
  it.each(Object.entries(rotations))('%s', (_name, [mode, changes, expected]) => {
    expect(mayRotate(anObservation(changes), { rotation: aRotation({ mode }) })).toBe(expected)
  })
})

const origins: Record<string, [endpoint: string, origin: string]> = {
  'without its path': ['https://login.example.com/oauth/token', 'https://login.example.com'],
  'without a path': ['https://login.example.com', 'https://login.example.com'],
  'without a query': ['https://login.example.com/token?tenant=a', 'https://login.example.com'],
  'without a query where there is no path': ['https://login.example.com?code=a/b:443', 'https://login.example.com'],
  'in small letters': ['HTTPS://Login.Example.COM/Token', 'https://login.example.com'],
  'with its port': ['https://login.example.com:8443/token', 'https://login.example.com:8443'],
  'without the port that HTTPS has anyway': ['https://login.example.com:443/token', 'https://login.example.com'],
  'without the port that HTTP has anyway': ['http://localhost:80/token', 'http://localhost'],
  'with the port of HTTP under HTTPS': ['https://login.example.com:80/token', 'https://login.example.com:80'],
  'with the port of HTTPS under HTTP': ['http://localhost:443/token', 'http://localhost:443'],
  'of an IPv6 address': ['https://[2001:DB8::1]:443/token', 'https://[2001:db8::1]'],
}

describe('the origin of a token endpoint', () => {
  it.each(Object.entries(origins))('%s', (_name, [tokenEndpoint, origin]) => {
    expect(tokenOrigin(aProvider({ tokenEndpoint }))).toBe(origin)
  })
})
