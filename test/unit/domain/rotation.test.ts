import { describe, expect, it } from 'vitest'
import type { Observed } from '../../../src/domain/observed.ts'
import { answeredBy, askedServer } from '../../../src/domain/known-server.ts'
import type { Provider, Rotation } from '../../../src/domain/provider.ts'
import { mayRotate } from '../../../src/domain/rotation.ts'
import { anObservation, aProvider, aRotation, refreshedState } from '../../support/builders.ts'

const fingerprint = 'f'.repeat(64)

function known(rotates: boolean, changes: Partial<Provider> = {}): Partial<Observed> {
  const by = { ...askedServer(aProvider(changes)), presented: fingerprint, next: fingerprint }
  return { state: refreshedState(600, 3600, { rotates, ...answeredBy({}, by) }) }
}

const rotations: Record<string, [mode: Rotation['mode'], changes: Partial<Observed>, expected: boolean]> = {
  'always, as it is said': ['Always', {}, true],
  'always, whatever was seen': ['Always', known(false), true],
  'never, as it is said': ['Never', {}, false],
  'never, whatever was seen': ['Never', known(true), false],
  'perhaps, while nothing was seen': ['Detect', {}, true],
  'since it was seen to': ['Detect', known(true), true],
  'not since it was seen not to': ['Detect', known(false), false],
  'perhaps, where another one was seen not to': ['Detect', known(false, { tokenEndpoint: 'https://a.example' }), true],
  'perhaps, where another tenant was': ['Detect', known(false, { issuer: 'https://login.example.com/other' }), true],
  'perhaps, where another client was': ['Detect', known(false, { client: { id: 'cd', authentication: 'none' } }), true],
  'perhaps, where nobody knows which one was': [
    'Detect',
    { state: refreshedState(600, 3600, { rotates: false }) },
    true,
  ],
}

describe('a server rotates', () => {
  it.each(Object.entries(rotations))('%s', (_name, [mode, changes, expected]) => {
    expect(mayRotate(anObservation(changes), aProvider({ rotation: aRotation({ mode }) }))).toBe(expected)
  })
})
