import { readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import type { OurKind } from '../../../src/api/kinds.ts'
import type { ConditionType } from '../../../src/domain/credential-state.ts'
import { failureRegistry } from '../../../src/domain/failure-registry.ts'
import { meaningOfClass } from '../../../src/domain/token-answer-codes.ts'
import { requestAnnotations } from '../../../src/domain/names.ts'
import type { EventReason } from '../../../src/ports/event-recorder.ts'
import { type CrdField, fieldsOf } from './crd-fields.ts'
import { codeIn, rowsBelow } from './pages.ts'

interface Page {
  readonly name: string
  readonly kinds: readonly OurKind[]
}

const referencePages: readonly Page[] = [
  { name: 'oauthcredential', kinds: ['OAuthCredential'] },
  { name: 'oauthprovider', kinds: ['OAuthProvider', 'ClusterOAuthProvider'] },
  { name: 'tokenstore', kinds: ['TokenStore', 'ClusterTokenStore'] },
]

function textOf(name: string): string {
  return readFileSync(`docs/reference/${name}.md`, 'utf8')
}

const credential = textOf('oauthcredential')

/** A field as a page has it: by its path, and with its default. */
interface Told {
  readonly path: string
  readonly byDefault?: string
}

/** The fields of the spec: headings, and the rows below them. */
function specFields(text: string): readonly Told[] {
  const headings = [...text.matchAll(/^### `(spec\.[^`]+)`$/gm)].map(([heading, path = '']) => ({ heading, path }))
  return headings.flatMap(({ heading, path }) => [
    { path },
    ...rowsBelow(text, heading, 'field').map(([name = '', byDefault = '']) => {
      const [field = ''] = codeIn(name)
      return { path: field.startsWith('[]') ? `${path}${field}` : `${path}.${field}`, byDefault }
    }),
  ])
}

function statusFields(text: string): readonly Told[] {
  return rowsBelow(text, '### Fields', 'field').map(([name = '']) => ({ path: `status.${codeIn(name)[0] ?? ''}` }))
}

/** What a page has to name: fields without fields of their own, and of conditions nothing. */
function leaves(kinds: readonly OurKind[]): readonly CrdField[] {
  const found = new Map(kinds.flatMap(fieldsOf).map((field) => [field.path, field] as const))
  return [...found.values()].filter(({ path, hasFields }) => !hasFields && !path.startsWith('status.conditions'))
}

function known(kinds: readonly OurKind[]): ReadonlySet<string> {
  return new Set(kinds.flatMap(fieldsOf).map(({ path }) => path))
}

describe.each(referencePages.map(({ name, kinds }) => [name, kinds] as const))(
  'docs/reference/%s.md',
  (name, kinds) => {
    const text = textOf(name)
    const told = [...specFields(text), ...statusFields(text)]

    it('names every field of its kinds', () => {
      const paths = new Set(told.map(({ path }) => path))
      expect(leaves(kinds).filter(({ path }) => !paths.has(path))).toEqual([])
    })

    it('names no field that does not exist, and none twice', () => {
      const fields = known(kinds)
      expect(told.filter(({ path }) => !fields.has(path))).toEqual([])
      const inTables = told.filter(({ byDefault }) => byDefault !== undefined).map(({ path }) => path)
      expect(inTables.filter((path, index) => inTables.indexOf(path) !== index)).toEqual([])
    })

    it('says what is required, and which default the API server fills in', () => {
      const wrong = leaves(kinds).flatMap((field) => {
        const { byDefault } = told.find(({ path }) => path === field.path) ?? {}
        return byDefault === undefined || byDefault === defaultText(field, byDefault) ? [] : [{ ...field, byDefault }]
      })
      expect(wrong).toEqual([])
    })

    it('says the default that kubectl explain says, where that takes one word', () => {
      const described = leaves(kinds).flatMap((field) => {
        const [, word] = /Default: (\S+)\.(?: |$)/.exec(field.description) ?? []
        const { byDefault } = told.find(({ path }) => path === field.path) ?? {}
        const isEmpty = byDefault === '`[]`' || byDefault === '`{}`'
        const known = isEmpty ? 'none' : byDefault?.replaceAll('`', '')
        return word === undefined || known === undefined ? [] : [{ path: field.path, word, known }]
      })
      expect(described.length).toBeGreaterThan(5)
      expect(described.filter(({ word, known: other }) => word !== other)).toEqual([])
    })
  },
)

/** What the cell of a default has to be; `said` where anything may stand but the word for what must be there. */
function defaultText({ required, default: value }: CrdField, said: string): string {
  if (required) return 'required'
  if (value === undefined) return said === 'required' ? 'not required' : said
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
}

describe('the status of a credential in docs/reference/oauthcredential.md', () => {
  const conditions: Readonly<Record<ConditionType, true>> = {
    Ready: true,
    Reconciling: true,
    Stalled: true,
    RefreshTokenPersisted: true,
    RefreshTokenExpiring: true,
    PreviousTokenKept: true,
    ConsumersNotified: true,
    ConsumersUpdatable: true,
  }
  const events: Readonly<Record<EventReason, true>> = {
    TargetCreated: true,
    RefreshTokenRotated: true,
    TokenExpiring: true,
    Recovered: true,
    RefreshFailed: true,
    ReauthorizationRequired: true,
    RefreshTokenWriteBackFailed: true,
    RefreshTokenExpiring: true,
    Stalled: true,
    AccessTokenRevoked: true,
    RevocationFailed: true,
    WorkloadRestarted: true,
    ConsumersNotNotified: true,
    ConsumersNotUpdatable: true,
    Suspended: true,
    Resumed: true,
  }

  it('has every condition', () => {
    const told = rowsBelow(credential, '### Conditions', 'condition').map(([name = '']) => codeIn(name)[0])
    expect(told).toEqual(Object.keys(conditions))
  })

  it('has every event', () => {
    const told = rowsBelow(credential, '### Events', 'reason').flatMap(([names = '']) => codeIn(names))
    expect(told.toSorted()).toEqual(Object.keys(events).toSorted())
  })

  it('leads from every reason of a failure to its codes, and from nothing else', () => {
    const rows = rowsBelow(credential, '### Reasons', 'reason')
    const told = rows.flatMap(([reason = '', codes = '']) =>
      [...codes.matchAll(/\[([A-Z_]+)\]\(\.\.\/errors\.md#([a-z_]+)\)/g)].map(
        ([, code = '', anchor]) => `${codeIn(reason).join()} ${code} ${anchor}`,
      ),
    )
    const registered = Object.entries(failureRegistry).map(
      ([code, { reason }]) => `${reason} ${code} ${code.toLowerCase()}`,
    )
    expect(told.toSorted()).toEqual(registered.toSorted())
  })

  it('has a reason that the code knows in every other row', () => {
    const code = ['domain/conditions.ts', 'domain/consumer-conditions.ts', 'domain/refresh-token-expiring.ts']
      .concat('domain/readers.ts')
      .map((file) => readFileSync(`src/${file}`, 'utf8'))
      .join('\n')
    const registered = new Set<string>(Object.values(failureRegistry).map(({ reason }) => reason))
    const told = rowsBelow(credential, '### Reasons', 'condition')
    const reasons = told.flatMap(([, names = '']) => codeIn(names))
    expect(reasons.length).toBeGreaterThan(20)
    const unknown = reasons.filter((reason) => !registered.has(reason) && !code.includes(`'${reason}'`))
    expect(unknown.filter((reason) => !Object.hasOwn(conditions, reason))).toEqual([])
  })

  test.each(Object.values(requestAnnotations))('tells of the annotation %s', (annotation) => {
    expect(credential).toContain(`\`${annotation}\``)
  })
})

test('docs/reference/oauthprovider.md leads from every meaning of an error to its code', () => {
  const rows = rowsBelow(textOf('oauthprovider'), '### `spec.response`', 'meaning')
  const told = rows.map(([meaning = '', code = '']) => [codeIn(meaning)[0], /\[([A-Z_]+)\]/.exec(code)?.[1]])
  expect(told).toEqual(Object.entries(meaningOfClass))
})

describe.each(['oauthprovider', 'tokenstore'])('the reasons of docs/reference/%s.md', (name) => {
  const registered = Object.entries(failureRegistry).map(([code, { reason }]) => [reason, code.toLowerCase()] as const)

  it('are registered, each with links to all of its codes', () => {
    const rows = rowsBelow(textOf(name), '## Status', 'reason')
    expect(rows.length).toBeGreaterThan(10)
    for (const [reason = '', meaning = ''] of rows) {
      const anchors = [...meaning.matchAll(/errors\.md#([a-z_]+)/g)].map(([, anchor]) => anchor)
      const codes = registered.filter(([known]) => known === codeIn(reason)[0]).map(([, anchor]) => anchor)
      expect([reason, new Set(anchors)]).toEqual([reason, new Set(codes)])
    }
  })
})
