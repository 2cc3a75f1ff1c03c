import { describe, expect, it } from 'vitest'
import { assertNoLeak, canary, observeOutput, watchForLeak } from '../support/canary.ts'

const ways: Record<string, (secret: string) => string> = {
  'as it is': (secret) => `token ${secret}.`,
  'in hexadecimal': (secret) => Buffer.from(`{${secret}}`).toString('hex'),
  'in base64': (secret) => Buffer.from(secret).toString('base64'),
  'in base64 one byte further': (secret) => Buffer.from(`1${secret}4`).toString('base64'),
  'in base64 two bytes further': (secret) => Buffer.from(`12${secret}`).toString('base64'),
  'in base64 in the middle of a text': (secret) => Buffer.from(`client:${secret} and more`).toString('base64'),
}

describe('a secret of a test is found in what anybody can read', () => {
  it.each(Object.entries(ways))('%s', (_name, encode) => {
    observeOutput('a log', encode(canary('rt')))
    expect(assertNoLeak).toThrow('leaked into a log')
  })

  it.each(Object.entries(ways))('%s, when a server issued it', (_name, encode) => {
    observeOutput('a log', encode(watchForLeak('a%token/of+a=server')))
    expect(assertNoLeak).toThrow('leaked into a log')
  })

  it('and nothing is found where there is none', () => {
    canary('at')
    observeOutput('a log', 'a canary- is a bird')
    expect(assertNoLeak).not.toThrow()
  })
})
