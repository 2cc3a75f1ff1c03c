import { describe, expect, it } from 'vitest'
import { readOptions } from '../../bench/options.ts'

const byDefault = { sizes: [1000, 10_000], real: 1000, seconds: 20, quick: false, protocol: true }

describe('the command line of the benchmark', () => {
  it.each([
    ['measures everything when nothing is said', [], byDefault],
    ['takes several sizes', ['--sizes', '10,200'], { ...byDefault, sizes: [10, 200] }],
    ['leaves the real API server out', ['--real', '0'], { ...byDefault, real: 0 }],
    ['leaves the loopback servers out', ['--sizes', '0'], { ...byDefault, sizes: [0] }],
    ['takes other windows', ['--seconds=5'], { ...byDefault, seconds: 5 }],
    ['takes a quick look', ['--quick'], { sizes: [1000], real: 0, seconds: 12, quick: true, protocol: false }],
    [
      'takes a quick look at what is named',
      ['--quick', '--real', '5'],
      { sizes: [1000], real: 5, seconds: 12, quick: true, protocol: false },
    ],
    ['measures the protocol alone', ['--protocol'], { ...byDefault, sizes: [0], real: 0 }],
    ['measures the protocol besides', ['--protocol', '--sizes', '50'], { ...byDefault, sizes: [50], real: 0 }],
  ])('%s', (_, args, options) => {
    expect(readOptions(args)).toEqual({ kind: 'run', options })
  })

  it.each([
    ['a size that is no number', ['--sizes', '1000,many'], '--sizes'],
    ['no size', ['--sizes', ''], '--sizes'],
    ['half a credential', ['--real', '1.5'], '--real'],
    ['windows without length', ['--seconds', '0'], '--seconds'],
    ['an option that there is not', ['--fast'], '--fast'],
    ['an option without its value', ['--real'], '--real'],
    ['an argument', ['1000'], '1000'],
  ])('says what is wrong with %s', (_, args, named) => {
    expect(readOptions(args)).toEqual({ kind: 'wrong', problem: expect.stringContaining(named) as string })
  })

  it('explains itself', () => {
    expect(readOptions(['--help'])).toEqual({ kind: 'help' })
  })
})
