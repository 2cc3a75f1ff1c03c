import { describe, expect, it } from 'vitest'
import type { Observed } from '../../../src/domain/observed.ts'
import { firstProgress, settleFine } from '../../../src/domain/settle.ts'
import { aCredential, anObservation, inSeconds, noon, refreshedState } from '../../support/builders.ts'

const asked = { credential: aCredential({ refreshRequest: 'now' }) }

const nexts: Readonly<Record<string, readonly [observed: Partial<Observed>, inSeconds: number]>> = {
  'nothing was asked for: the target is looked at': [{}, 600],
  'a refresh was asked for and something else had to be done first': [asked, 0],
  'the refresh that was asked for is done': [
    { ...asked, state: refreshedState(600, 3600, { handledRefreshRequest: 'now' }) },
    600,
  ],
  'the target is another one by now': [{ targetDigest: 'another' }, 0],
}

describe('after all went well, it is looked again when', () => {
  it.each(Object.entries(nexts))('%s', (_name, [changes, seconds]) => {
    const observed = anObservation(changes)
    expect(settleFine(observed, firstProgress(observed), noon)).toMatchObject({ wakeAt: inSeconds(seconds) })
  })
})
