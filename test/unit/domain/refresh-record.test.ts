import { describe, expect, it } from 'vitest'
import {
  armed,
  disarmed,
  intentOn,
  newRecord,
  refused,
  type RefreshIntent,
  type RefreshRecord,
  unanswered,
  withIntentOn,
  withoutHolder,
} from '../../../src/domain/refresh-record.ts'
import { facing } from '../../../src/domain/record-places.ts'
import { isOvertaken, outdated, succeeded, type Succession } from '../../../src/domain/succession.ts'
import { spentLimit, storedLimit } from '../../../src/domain/spent-tokens.ts'
import { aCredential, noon } from '../../support/builders.ts'

const { uid, key, spec } = aCredential()
const source = spec.refreshToken
const holder = { journalId: 'self' }
const origin = 'https://login.example.com'
const place = { origin, generation: 0 }
const elsewhere = { ...source, key: 'another document' }

function intentTo(fingerprint: string, changes: Partial<RefreshIntent> = {}): RefreshIntent {
  return { holder, fingerprint, source, startedAt: noon, sends: 1, ...changes }
}

function succession(presented: string, fingerprint: string, changes: Partial<Succession> = {}): Succession {
  return { presented, retained: { fingerprint, source }, ...changes }
}

/** A record after these tokens came one after the other. */
function after(...tokens: readonly string[]): RefreshRecord {
  return tokens.slice(1).reduce(
    (record, token, index) => {
      const presented = tokens[index] ?? ''
      return succeeded(
        armed(record, intentTo(presented), { ...place, stored: presented }),
        succession(presented, token),
      )
    },
    newRecord(uid, key),
  )
}

/** What is said of which token. */
function told({
  intent,
  left,
  retained,
  refused: dead,
  spent,
  epoch,
  generation,
}: RefreshRecord): Record<string, unknown> {
  const gone = dead && { refused: dead.fingerprint }
  const kept = left && { left: left.map(({ fingerprint }) => fingerprint) }
  return { intent: intent?.fingerprint, ...kept, ...gone, retained: retained?.fingerprint, spent, epoch, generation }
}

/** A record in which these intents replaced each other, and nobody knows what came of any. */
function afterIntents(...tokens: readonly string[]): RefreshRecord {
  return tokens.reduce((record, token) => armed(record, intentTo(token), place), after('a', 'b'))
}

const transitions: Record<string, [record: RefreshRecord, expected: ReturnType<typeof told>]> = {
  'begins empty': [newRecord(uid, key), { spent: [], epoch: 0, generation: 0 }],
  'says who presents a token': [
    armed(newRecord(uid, key), intentTo('a'), place),
    { intent: 'a', spent: [], epoch: 1, generation: 0 },
  ],
  'keeps what came, and what it replaced': [after('a', 'b'), { retained: 'b', spent: ['a'], epoch: 1, generation: 1 }],
  'keeps the order of what was replaced': [
    after('a', 'b', 'c', 'd'),
    { retained: 'd', spent: ['a', 'b', 'c'], epoch: 3, generation: 3 },
  ],
  'forgets an intent that is over': [
    disarmed(armed(after('a', 'b'), intentTo('b'), place)),
    { retained: 'b', spent: ['a'], epoch: 2, generation: 1 },
  ],
  'takes a new login for the end of what it retained': [
    succeeded(armed(after('a', 'b'), intentTo('login'), place), succession('login', 'c')),
    { retained: 'c', spent: ['a', 'b', 'login'], epoch: 2, generation: 2 },
  ],
  'leaves an intent that nobody settled for one on another token': [
    afterIntents('b', 'login'),
    { intent: 'login', left: ['b'], retained: 'b', spent: ['a'], epoch: 3, generation: 1 },
  ],
  'takes a left intent up again': [
    afterIntents('b', 'login', 'b'),
    { intent: 'b', left: ['login'], retained: 'b', spent: ['a'], epoch: 4, generation: 1 },
  ],
  'keeps what was left when the intent that replaced it is over': [
    disarmed(afterIntents('b', 'mistake')),
    { left: ['b'], retained: 'b', spent: ['a'], epoch: 3, generation: 1 },
  ],
  'takes every token for used up that was left before one that has a successor': [
    succeeded(afterIntents('b', 'login', 'other'), succession('other', 'c')),
    { retained: 'c', spent: ['a', 'b', 'login', 'other'], epoch: 4, generation: 2 },
  ],
  'takes no token for used up that was presented after one whose successor comes late': [
    succeeded(afterIntents('b', 'login', 'mistake'), succession('b', 'c')),
    { intent: 'mistake', left: ['login'], retained: 'c', spent: ['a', 'b'], epoch: 4, generation: 1 },
  ],
  'takes no later token for used up when a late successor is committed once more': [
    succeeded(succeeded(afterIntents('b', 'login', 'mistake'), succession('b', 'c')), succession('b', 'c')),
    { intent: 'mistake', left: ['login'], retained: 'c', spent: ['a', 'b'], epoch: 4, generation: 1 },
  ],
  'remembers a token that was refused, until another one has a successor': [
    refused(afterIntents('b'), 'b', 'REFRESH_TOKEN_REJECTED'),
    { retained: 'b', refused: 'b', spent: ['a'], epoch: 2, generation: 1 },
  ],
  'takes a token for spent whose refusal it no longer remembers': [
    refused(
      armed(refused(afterIntents('b'), 'b', 'REFRESH_TOKEN_REJECTED'), intentTo('c'), place),
      'c',
      'REFRESH_TOKEN_REJECTED',
    ),
    { retained: 'b', refused: 'c', spent: ['a', 'b'], epoch: 3, generation: 1 },
  ],
  'takes a token that is refused again for no spent one': [
    refused(refused(afterIntents('b'), 'b', 'REFRESH_TOKEN_REJECTED'), 'b', 'REFRESH_ANSWER_LOST'),
    { retained: 'b', refused: 'b', spent: ['a'], epoch: 2, generation: 1 },
  ],
  'forgets the refused token with the next successor': [
    succeeded(
      armed(refused(afterIntents('b'), 'b', 'REFRESH_TOKEN_REJECTED'), intentTo('c'), place),
      succession('c', 'd'),
    ),
    { retained: 'd', spent: ['a', 'b', 'c'], epoch: 3, generation: 2 },
  ],
  'remembers the refusal of a token that comes late, and not of one that is accepted': [
    succeeded(refused(afterIntents('b', 'c'), 'c', 'REFRESH_TOKEN_REJECTED'), succession('b', 'c')),
    { retained: 'c', refused: 'c', spent: ['a', 'b'], epoch: 3, generation: 1 },
  ],
  'forgets the refusal of a token that a server has taken since': [
    succeeded(refused(afterIntents('b'), 'b', 'REFRESH_TOKEN_REJECTED'), succession('b', 'b')),
    { retained: 'b', spent: ['a'], epoch: 2, generation: 1 },
  ],
  'takes the oldest token for used up when too many were left': [
    afterIntents('1', '2', '3', '4', '5', '6'),
    { intent: '6', left: ['2', '3', '4', '5'], retained: 'b', spent: ['a', '1'], epoch: 7, generation: 1 },
  ],
  'takes what it retains for used up never for that': [
    afterIntents('b', '1', '2', '3', '4', '5'),
    { intent: '5', left: ['1', '2', '3', '4'], retained: 'b', spent: ['a'], epoch: 7, generation: 1 },
  ],
  'forgets a left intent whose result is known': [
    withIntentOn(afterIntents('b', 'login'), 'b', undefined),
    { intent: 'login', retained: 'b', spent: ['a'], epoch: 3, generation: 1 },
  ],
  'learns of a left token that its answer came too late': [
    outdated(afterIntents('b', 'login'), succession('b', 'c')),
    { intent: 'login', retained: 'b', spent: ['a', 'b'], epoch: 3, generation: 1 },
  ],
  'takes no token for used up that is presented again': [
    armed(armed(after('a', 'b'), intentTo('b'), place), intentTo('b', { sends: 2 }), place),
    { intent: 'b', retained: 'b', spent: ['a'], epoch: 3, generation: 1 },
  ],
  'keeps a token that a server sends again': [
    succeeded(armed(after('a', 'b'), intentTo('b'), place), succession('b', 'b')),
    { retained: 'b', spent: ['a'], epoch: 2, generation: 1 },
  ],
  'counts no token that another process has read in the document': [
    succeeded(armed(after('a', 'b'), intentTo('c'), { ...place, generation: 2 }), succession('b', 'c')),
    { intent: 'c', retained: 'c', spent: ['a', 'b'], epoch: 2, generation: 2 },
  ],
  'lets a token be presented that a human put back': [
    armed(after('a', 'b', 'c'), intentTo('a'), place),
    { intent: 'a', retained: 'c', spent: ['b'], epoch: 3, generation: 2 },
  ],
  'does not disturb who presents another token by now': [
    succeeded(armed(after('a', 'b'), intentTo('login'), place), succession('b', 'c')),
    { intent: 'login', retained: 'c', spent: ['a', 'b'], epoch: 2, generation: 1 },
  ],
  'counts on from the document when it was restored': [
    armed(after('a', 'b'), intentTo('b'), { ...place, generation: 70 }),
    { intent: 'b', retained: 'b', spent: ['a'], epoch: 2, generation: 70 },
  ],
  'never counts back': [
    armed(after('a', 'b', 'c'), intentTo('c'), { ...place, generation: 1 }),
    { intent: 'c', retained: 'c', spent: ['a', 'b'], epoch: 3, generation: 2 },
  ],
  'learns from an answer that came too late what it has used up': [
    outdated(after('b', 'c'), succession('x', 'y')),
    { retained: 'c', spent: ['b', 'x'], epoch: 1, generation: 1 },
  ],
  'learns of an answer that came too late what it was given for, whatever is retained': [
    outdated(after('b', 'c'), succession('c', 'y')),
    { retained: 'c', spent: ['b', 'c'], epoch: 1, generation: 1 },
  ],
}

describe('a refresh record', () => {
  it.each(Object.entries(transitions))('%s', (_name, [record, expected]) => {
    expect(told(record)).toEqual({ intent: undefined, retained: undefined, ...expected })
  })

  it('holds an intent for another process only, once another one is left in its place', () => {
    const record = afterIntents('b', 'login')
    expect(intentOn(record, 'b')).toEqual({ fingerprint: 'b', source, startedAt: noon, sends: 1, origin })
    const other = armed(afterIntents('b'), intentTo('login', { holder: { journalId: 'another' } }), place)
    expect(intentOn(other, 'b')).toEqual({ ...intentTo('b'), origin })
  })

  it('holds none of the tokens for a process that it has presented before, however many others came in between', () => {
    const other = intentTo('other', { holder: { journalId: 'another' } })
    const record = armed(armed(afterIntents('b'), other, place), intentTo('login'), place)
    expect(intentOn(record, 'b')?.holder).toBeUndefined()
    expect(intentOn(record, 'other')).toEqual({ ...other, origin })
  })

  it('forgets of a process that it holds anything, and nothing of the others', () => {
    const other = intentTo('other', { holder: { journalId: 'another' } })
    const record = armed(afterIntents('b', 'login'), other, place)
    const held = { ...record, left: [intentTo('b'), ...(record.left ?? []).slice(1)] }
    const { holder, ...unheld } = intentTo('b')
    expect(intentOn(withoutHolder(held, holder?.journalId ?? ''), 'b')).toEqual(unheld)
    expect(intentOn(withoutHolder(held, 'another'), 'other')?.holder).toBeUndefined()
    expect(intentOn(withoutHolder(held, 'another'), 'b')).toEqual(intentTo('b'))
    expect(withoutHolder(record, 'nobody')).toBe(record)
  })

  it('takes the answer to a left intent, and to no other', () => {
    const record = disarmed(armed(armed(after('a', 'b'), intentTo('login'), place), intentTo('mistake'), place))
    expect(isOvertaken(record, succession('login', 'c'))).toBe(false)
    expect(isOvertaken(record, succession('x', 'y'))).toBe(true)
  })

  it('remembers 64 used-up tokens, the latest', () => {
    const tokens = Array.from({ length: 100 }, (_none, index) => `token ${index}`)
    const { spent, retained } = after(...tokens)
    expect(spentLimit).toBe(64)
    expect(spent).toEqual(tokens.slice(35, 99))
    expect(retained?.fingerprint).toBe('token 99')
  })

  it('remembers what the store holds, however many came since', () => {
    let record = succeeded(
      armed(newRecord(uid, key), intentTo('seed'), { ...place, stored: 'seed' }),
      succession('seed', 't0'),
    )
    for (let index = 0; index < 3 * spentLimit; index += 1) {
      const behind = index % 2 === 0 ? { ...place, stored: 'seed' } : place
      record = succeeded(armed(record, intentTo(`t${index}`), behind), succession(`t${index}`, `t${index + 1}`))
    }
    expect(record.spent).toHaveLength(spentLimit)
    expect(record.spent[0]).toBe('seed')
    expect(record.spent.at(-1)).toBe(`t${3 * spentLimit - 1}`)
    expect(record.stored).toContain('seed')
    const written = armed(record, intentTo('next'), { ...place, stored: 'next' })
    expect(succeeded(written, succession('next', 'last')).spent).not.toContain('seed')
  })

  it('remembers all that the store may hold while nobody can look, however many come meanwhile', () => {
    const { stored: _known, ...known } = after(
      ...Array.from({ length: spentLimit }, (_none, index) => `before ${index}`),
    )
    let record: RefreshRecord = known
    let token = `before ${spentLimit - 1}`
    const mayBeThere = [...record.spent.slice(-storedLimit), token]
    for (let index = 0; index < 3 * spentLimit; index += 1) {
      record = succeeded(armed(record, intentTo(token), place), succession(token, `t${index}`))
      token = `t${index}`
    }
    expect(record.spent).toHaveLength(spentLimit)
    expect(record.spent).toEqual(expect.arrayContaining(mayBeThere))
    expect(record.spent.at(-1)).toBe(`t${3 * spentLimit - 2}`)
  })

  it('never takes the newest for used up, whatever came before', () => {
    const { spent, retained } = after('a', 'b', 'a', 'c', 'b')
    expect(retained?.fingerprint).toBe('b')
    expect(spent).not.toContain('b')
    expect(new Set(spent).size).toBe(spent.length)
  })

  it('knows where the token goes, and where the newest tokens came from while another one goes elsewhere', () => {
    const first = armed(newRecord(uid, key), intentTo('a'), place)
    expect([first.origin, first.intent?.origin]).toEqual([origin, origin])
    const moved = { ...place, origin: 'https://new.example.com' }
    const newest = armed({ ...after('a', 'b'), origin }, intentTo('b'), moved)
    expect([newest.origin, newest.intent?.origin]).toEqual([moved.origin, moved.origin])
    const another = armed({ ...after('a', 'b'), origin }, intentTo('login'), moved)
    expect([another.origin, another.intent?.origin]).toEqual([origin, moved.origin])
  })

  it('keeps what it cannot open', () => {
    const record = { ...after('a', 'b'), retained: { fingerprint: 'b', source, sealed: 'x' } }
    expect(armed(record, intentTo('b'), place).retained).toEqual({ fingerprint: 'b', source, sealed: 'x' })
    expect(disarmed(record).retained?.sealed).toBe('x')
  })

  it('that nobody answers keeps how often and since when, and nobody is at it', () => {
    const record = unanswered(armed(newRecord(uid, key), intentTo('a', { sends: 3 }), place))
    expect(record.intent).toEqual({ fingerprint: 'a', source, startedAt: noon, sends: 3, origin })
    expect(unanswered(newRecord(uid, key)).intent).toBeUndefined()
  })
})

const presentingElsewhere = armed(after('a', 'b'), intentTo('x', { source: elsewhere }), place)

const late: Record<string, [record: RefreshRecord, answer: Succession, expected: boolean]> = {
  'the answer to the intent does not': [armed(after('a', 'b'), intentTo('b'), place), succession('b', 'c'), false],
  'the answer to the intent of a new login does not': [
    armed(after('a', 'b'), intentTo('login'), place),
    succession('login', 'c'),
    false,
  ],
  'the first answer of all does not': [newRecord(uid, key), succession('a', 'b'), false],
  'the same answer again does not': [after('a', 'b'), succession('a', 'b'), false],
  'the answer to what is retained does not, though the intent was taken back': [
    after('a', 'b'),
    succession('b', 'c'),
    false,
  ],
  'an answer whose token is used up by now does, although the one before it is kept': [
    { ...armed(after('a', 'b'), intentTo('d'), place), spent: ['a', 'c'] },
    succession('b', 'c'),
    true,
  ],
  'an answer does not, where what is kept is used up itself': [
    { ...after('a', 'b'), spent: ['a', 'b', 'c'] },
    succession('c', 'd'),
    false,
  ],
  'another answer to the same token does': [after('a', 'b'), succession('a', 'other'), true],
  'an answer to a token before it does': [after('a', 'b', 'c'), succession('a', 'other'), true],
  'an answer whose token is presented by another process by now does not, and its intent stays': [
    armed(after('a', 'b'), intentTo('b'), place),
    succession('a', 'b'),
    false,
  ],
  'an answer to a request that was never announced does not': [
    after('a', 'b'),
    succession('login', 'c', { unannounced: true }),
    false,
  ],
  'one to a request that was never announced, while another is, does': [
    armed(after('a', 'b'), intentTo('x'), place),
    succession('login', 'c', { unannounced: true }),
    true,
  ],
  'one of a place that was left does not, while a token of another one is presented': [
    presentingElsewhere,
    succession('b', 'c'),
    false,
  ],
  'one that is kept already does not, whatever is presented elsewhere': [
    presentingElsewhere,
    succession('a', 'b'),
    false,
  ],
  'the answer to what is presented does not, though tokens of another place are kept': [
    presentingElsewhere,
    { presented: 'x', retained: { fingerprint: 'y', source: elsewhere } },
    false,
  ],
  'nor does one whose own token is presented by now': [
    presentingElsewhere,
    { presented: 'w', retained: { fingerprint: 'x', source: elsewhere } },
    false,
  ],
  'nor does any other answer of another place, whatever is kept here': [
    after('a', 'b'),
    { presented: 'x', retained: { fingerprint: 'y', source: elsewhere } },
    false,
  ],
}

describe('an answer comes too late', () => {
  it.each(Object.entries(late))('%s', (_name, [record, answer, expected]) => {
    expect(isOvertaken(facing(record, answer.retained.source), answer)).toBe(expected)
  })
})
