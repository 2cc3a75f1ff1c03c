import { describe, expect, test } from 'vitest'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { epochSeconds, type EpochSeconds, later, seconds } from '../../src/domain/time.ts'
import type { AccessTokenSink, Publication, TargetIdentity } from '../../src/ports/access-token-sink.ts'
import { canary, observeOutput } from '../support/canary.ts'

/** When the first token of these tests was issued; each lives for an hour. */
export const previousTestStart = epochSeconds(1_795_176_000)
const lifetime = 3600

const mark = 'https://login.example.com 1.2.3'
const key = 'previous_access_token'
const previous = { key, from: 'access_token', isKept: true }

/** A sink, and the hands of somebody who reads and changes what it published. */
export interface PreviousBench {
  readonly sink: AccessTokenSink
  readonly identity: TargetIdentity
  now: EpochSeconds
  /** A process that starts and knows nothing. */
  restart(): void
  contents(): Promise<Readonly<Record<string, string>>>
  /** False where a key that somebody else has changed is theirs from then on: under `Merge`. */
  readonly takesBack: boolean
  /** Changes the content of a key by hand. */
  tamper(name: string, content: string): Promise<void>
}

interface Token {
  readonly value: string
  /** Seconds from {@link previousTestStart} to its request. */
  readonly after: number
}

const keys = ['access_token', key]
const ends = ({ after }: Token): EpochSeconds => later(previousTestStart, seconds(after + lifetime))

function token(after: number): Token {
  return { value: canary('at'), after }
}

async function publish(bench: PreviousBench, { value, after }: Token, changes: Partial<Publication> = {}) {
  bench.now = later(previousTestStart, seconds(after + 1))
  const result = await bench.sink.publish({
    identity: bench.identity,
    files: new Map([['access_token', new Sensitive(value)]]),
    mark,
    previous,
    digest: 'digest',
    issuedAt: later(previousTestStart, seconds(after)),
    expiresAt: ends({ value, after }),
    ...changes,
  })
  observeOutput('a result', JSON.stringify(result))
  if (!result.ok) throw new Error(result.failure.message)
  return result.value.beside
}

/** What every sink keeps to that is to keep the access token before the present one. */
export function previousTokenContract(name: string, makeBench: () => Promise<PreviousBench>): void {
  describe(`the previous access token in ${name}`, () => {
    replaced(makeBench)
    refused(makeBench)
    ended(makeBench)
  })
}

function replaced(makeBench: () => Promise<PreviousBench>): void {
  test('the first publication has an empty key', async () => {
    const bench = await makeBench()
    const one = token(0)
    expect(await publish(bench, one)).toBeUndefined()
    expect(await bench.contents()).toEqual({ access_token: one.value, [key]: '' })
    expect(await bench.sink.observe(bench.identity, keys)).toMatchObject({ value: { kind: 'ours', intact: true } })
  })

  test('a token that is replaced stays until its own end, and no longer than its successor', async () => {
    const bench = await makeBench()
    const [one, two, three] = [token(0), token(600), token(1200)]
    await publish(bench, one)
    expect(await publish(bench, two)).toEqual({ previousExpiresAt: ends(one) })
    expect(await bench.contents()).toEqual({ access_token: two.value, [key]: one.value })
    expect(await bench.sink.observe(bench.identity, keys)).toMatchObject({
      value: { kind: 'ours', intact: true, previousExpiresAt: ends(one) },
    })
    expect(await publish(bench, three)).toEqual({ previousExpiresAt: ends(two) })
    expect(await bench.contents()).toEqual({ access_token: three.value, [key]: two.value })
  })

  test('a process that starts anew takes it from the target', async () => {
    const bench = await makeBench()
    const [one, two] = [token(0), token(600)]
    await publish(bench, one)
    bench.restart()
    await publish(bench, two)
    expect(await bench.contents()).toEqual({ access_token: two.value, [key]: one.value })
  })

  test('the same token once more leaves the one before it where it is', async () => {
    const bench = await makeBench()
    const [one, two] = [token(0), token(600)]
    await publish(bench, one)
    await publish(bench, two)
    bench.restart()
    expect(await publish(bench, two)).toEqual({ previousExpiresAt: ends(one) })
    if (bench.takesBack) await bench.tamper('access_token', 'changed by hand')
    expect(await publish(bench, two)).toEqual({ previousExpiresAt: ends(one) })
    expect(await bench.contents()).toEqual({ access_token: two.value, [key]: one.value })
  })

  test('it is not asked for any more: the key vanishes', async () => {
    const bench = await makeBench()
    const [one, two] = [token(0), token(600)]
    await publish(bench, one)
    await publish(bench, two)
    const { previous: _none, ...without } = { previous }
    const files = new Map([['access_token', new Sensitive(two.value)]])
    await bench.sink.publish({ identity: bench.identity, files, mark, digest: 'other', ...timesOf(two), ...without })
    expect(await bench.contents()).toEqual({ access_token: two.value })
  })
}

function timesOf(of: Token): Pick<Publication, 'issuedAt' | 'expiresAt'> {
  return { issuedAt: later(previousTestStart, seconds(of.after)), expiresAt: ends(of) }
}

function refused(makeBench: () => Promise<PreviousBench>): void {
  const never: Record<string, Partial<Publication>> = {
    'another mark': { mark: 'https://login.example.com 1.2.4' },
    'no mark': { mark: undefined } as unknown as Partial<Publication>,
    'a key that has to stay empty': { previous: { ...previous, isKept: false } },
  }
  test.each(Object.entries(never))('with %s there is none', async (_what, changes) => {
    const bench = await makeBench()
    await publish(bench, token(0))
    const two = token(600)
    expect(await publish(bench, two, changes)).toBeUndefined()
    expect(await bench.contents()).toEqual({ access_token: two.value, [key]: '' })
  })

  test('a token that was over when it was replaced is none', async () => {
    const bench = await makeBench()
    await publish(bench, token(0))
    const late = token(lifetime)
    expect(await publish(bench, late)).toBeUndefined()
    expect(await bench.contents()).toEqual({ access_token: late.value, [key]: '' })
  })

  test('what somebody else put under the key of the token is none', async ({ skip }) => {
    const bench = await makeBench()
    skip(!bench.takesBack)
    await publish(bench, token(0))
    await bench.tamper('access_token', 'not a token of this credential')
    const two = token(600)
    expect(await publish(bench, two)).toBeUndefined()
    expect(await bench.contents()).toEqual({ access_token: two.value, [key]: '' })
  })

  test('what somebody else put under its own key is seen, and goes with the next publication', async ({ skip }) => {
    const bench = await makeBench()
    skip(!bench.takesBack)
    const [one, two] = [token(0), token(600)]
    await publish(bench, one)
    await publish(bench, two)
    await bench.tamper(key, 'changed by hand')
    expect(await bench.sink.observe(bench.identity, keys)).toMatchObject({ value: { kind: 'ours', intact: false } })
    expect(await publish(bench, two)).toBeUndefined()
    expect(await bench.contents()).toEqual({ access_token: two.value, [key]: '' })
  })
}

function ended(makeBench: () => Promise<PreviousBench>): void {
  test('it is taken out by itself, and everything else stays as it was', async () => {
    const bench = await makeBench()
    const [one, two] = [token(0), token(600)]
    await publish(bench, one)
    await publish(bench, two, { labels: { team: 'ci' } })
    bench.restart()
    expect(await bench.sink.endPrevious(bench.identity, key)).toMatchObject({ ok: true })
    expect(await bench.contents()).toEqual({ access_token: two.value, [key]: '' })
    const seen = await bench.sink.observe(bench.identity, keys)
    expect(seen).toEqual({
      ok: true,
      value: { kind: 'ours', digest: 'digest', ...timesOf(two), intact: true },
    })
    const three = token(1200)
    expect(await publish(bench, three)).toEqual({ previousExpiresAt: ends(two) })
  })

  test('taking it out of a target that is not there is no failure', async () => {
    const bench = await makeBench()
    expect(await bench.sink.endPrevious(bench.identity, key)).toMatchObject({ ok: true })
  })

  test('nothing of another credential is emptied', async () => {
    const bench = await makeBench()
    const [one, two] = [token(0), token(600)]
    await publish(bench, one)
    await publish(bench, two)
    const stranger = { ...bench.identity, credentialUid: 'somebody-else' }
    await bench.sink.endPrevious(stranger, key)
    expect(await bench.contents()).toEqual({ access_token: two.value, [key]: one.value })
  })
}
