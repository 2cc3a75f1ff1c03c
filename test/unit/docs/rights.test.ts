import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { operatorRights } from '../../servers/operator-rights.ts'

interface Rule {
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

const verbs = new Set(['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'])
const kinds = ['oauthcredentials', 'oauthproviders', 'clusteroauthproviders', 'tokenstores', 'clustertokenstores']

/** Each right as role, resource and verb. */
function granted(): readonly string[] {
  const { items } = operatorRights('operator', 'operator') as {
    readonly items: readonly { readonly kind: string; readonly rules?: readonly Rule[] }[]
  }
  return items.flatMap(({ kind, rules = [] }) =>
    rules.flatMap((rule) => rule.resources.flatMap((name) => rule.verbs.map((verb) => `${kind} ${name} ${verb}`))),
  )
}

/** What the table under "What it needs" says. */
function told(): readonly string[] {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
  const section = /\n## What it needs\n(.*?)\n## /s.exec(readme)?.[1] ?? ''
  const rows = [...section.matchAll(/^\| (`.*?) +\| (.*?) +\|/gm)]
  return rows.flatMap(([, rights = '', where = '']) => rights.split('; ').flatMap((right) => rightsOf(right, where)))
}

function rightsOf(right: string, where: string): readonly string[] {
  const words = [...right.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word)
  const named = words.filter((word) => !verbs.has(word) && !word.includes('.') && word !== 'kube-system')
  const resources = right.includes('the five kinds') ? kinds : named
  const role = where === 'its own namespace' ? 'Role' : 'ClusterRole'
  const places = right.includes('`kube-system`') ? ['namespaces'] : resources
  return places.flatMap((name) => words.filter((word) => verbs.has(word)).map((verb) => `${role} ${name} ${verb}`))
}

test('README names every right that the operator is given, and no other', () => {
  expect(told().toSorted()).toEqual(granted().toSorted())
})
