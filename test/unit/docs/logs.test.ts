import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { auditEvents } from '../../../src/domain/audit-entry.ts'
import { checkLogFields, logFields, membersOf } from '../../support/log-fields.ts'
import { codeIn, rowsBelow } from './pages.ts'

const page = readFileSync('docs/logs.md', 'utf8')
const fieldRows = rowsBelow(page, '## Fields', 'field')
const eventRows = rowsBelow(page, '### Events', 'event')

function auditFields(type: 'AuditDetails' | 'AuditEntry'): readonly string[] {
  const members = membersOf(readFileSync('src/domain/audit-entry.ts', 'utf8'), type)
  return members.map((member) => member.split(':')[0] ?? '')
}

describe('docs/logs.md', () => {
  it('lists exactly the fields that a line may have, with their types', () => {
    const documented = fieldRows.map(([name = '', type = '']) => `${codeIn(name).join()}: ${type}`)
    expect(documented).toEqual(logFields)
    expect(documented.length).toBeGreaterThan(40)
  })

  it('lists exactly the events of the audit log', () => {
    expect(eventRows.map(([name = '']) => codeIn(name).join())).toEqual(Object.keys(auditEvents))
  })

  it('names no field with an event that an audit line does not have, and leaves none out', () => {
    const named = new Set(eventRows.flatMap(([, , fields = '']) => codeIn(fields)))
    expect([...named].toSorted()).toEqual(auditFields('AuditDetails').toSorted())
  })

  it('says of every field of an audit line that such a line has it', () => {
    const listed = fieldRows.filter(([, , , lines = '']) => /audit|everything/.test(lines))
    const names = listed.flatMap(([name = '']) => codeIn(name))
    const all = [...auditFields('AuditEntry'), ...auditFields('AuditDetails')]
    expect(all.filter((name) => !names.includes(name))).toEqual([])
  })
})

it('a field that is not documented is found in a line', () => {
  expect(() => checkLogFields({ credential: 'ci/claude', code: undefined })).not.toThrow()
  expect(() => checkLogFields({ credential: 'ci/claude', colour: 'red' })).toThrow('colour')
})
