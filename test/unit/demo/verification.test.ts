import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CredentialView } from '../../../scripts/demo/credential-view.ts'
import { compareFields } from '../../../scripts/demo/document-fields.ts'
import { summaryLine } from '../../../scripts/demo/summary.ts'
import { type Counted, type Verification, verify } from '../../../scripts/demo/verification.ts'
import type { DemoCredential } from '../../../scripts/demo/workspace.ts'
import { canary, observeOutput } from '../../support/canary.ts'

describe('the check at the end of the demo', () => {
  let directory: string
  let refreshToken: string
  let accessToken: string

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'verification-'))
    refreshToken = canary('rt')
    accessToken = canary('at')
    writeDocument({})
    writeFileSync(join(directory, 'access_token'), accessToken)
  })

  afterEach(() => rmSync(directory, { recursive: true }))

  function writeDocument(changes: object): void {
    const document = { refresh_token: refreshToken, note: 'mine', nested: { id: 7 }, ...changes }
    writeFileSync(join(directory, 'app.json'), JSON.stringify(document))
  }

  async function verified(counted: Partial<Counted> = {}, statistics = {}): Promise<Verification> {
    const seed = {
      file: 'app.json',
      tokenFields: ['/refresh_token'],
      document: { refresh_token: canary('rt'), note: 'mine', nested: { id: 7 } },
    }
    const file = join(directory, 'access_token')
    const credential: DemoCredential = { name: 'app', file, document: join(directory, 'app.json'), seed }
    const server = {
      statistics: { refreshes: 4, refusals: 0, reuses: 0, familiesRevoked: 0, ...statistics },
      isActive: async (token: string) => token === accessToken,
      isRefreshTokenActive: async (token: string) => token === refreshToken,
    }
    const found = await verify(server, [credential], { views: [viewWith(4)], rotations: 4, early: false, ...counted })
    observeOutput('the summary', summaryLine(found, 60))
    return found
  }

  it('finds nothing wrong, and says what it counted', async () => {
    const found = await verified()
    expect(found.problems).toEqual([])
    expect(summaryLine(found, 60.2)).toBe(
      'Demo OK: 60 s, 4 refreshes, 4 rotated refresh tokens written back, 0 refresh tokens used twice, 2 other fields of the documents kept, ' +
        '1 access tokens active; every document holds the newest refresh token; no token was printed.',
    )
  })

  it('finds an older refresh token in the document', async () => {
    writeDocument({ refresh_token: canary('rt') })
    const found = await verified()
    expect(found.problems).toEqual([expect.stringMatching(/app\.json does not hold the newest refresh token$/)])
    expect(summaryLine(found, 60)).toMatch(/^Demo FAILED: .*app\.json does not hold the newest refresh token \(60 s, /)
  })

  it('finds a field that is lost, and one that is new', async () => {
    writeDocument({ note: undefined, more: 1 })
    expect((await verified()).problems).toEqual([expect.stringMatching(/has other fields at \/note, \/more$/)])
  })

  it('finds an access token that the server does not accept, and none at all', async () => {
    writeFileSync(join(directory, 'access_token'), canary('at'))
    expect((await verified()).problems).toEqual([expect.stringContaining('no access token that the server accepts')])
    rmSync(join(directory, 'access_token'))
    expect((await verified()).problems).toEqual([expect.stringContaining('no access token that the server accepts')])
  })

  it.each([
    ['a refresh token used twice', {}, { reuses: 1 }, /used twice/],
    ['a login that the server revoked', {}, { familiesRevoked: 1 }, /revoked 1 logins/],
    ['a refresh that nobody reported', {}, { refreshes: 5 }, /reports 4 refreshes and the server 5/],
    ['a rotation that was not written back', { rotations: 3 }, {}, /4 refresh tokens were rotated and 3 written back/],
    ['a credential that was never refreshed', { views: [] }, { refreshes: 0 }, /app was never refreshed/],
  ])('finds %s', async (_, counted, statistics, problem) => {
    expect((await verified(counted, statistics)).problems.join()).toMatch(problem)
  })

  it('asks for no access token of a demo that was ended before the first refresh', async () => {
    rmSync(join(directory, 'access_token'))
    const found = await verified({ views: [], rotations: 0, early: true }, { refreshes: 0 })
    expect(found.problems).toEqual([])
  })
})

describe('the comparison of documents', () => {
  it.each([
    ['equal ones', '{"a":1,"b":{"c":[1]}}', '{"b":{"c":[1]},"a":1}', { kept: 2, changed: [] }],
    ['an excepted field', '{"a":1,"t":"x"}', '{"a":1,"t":"y"}', { kept: 1, changed: [] }],
    ['another type', '{"a":1}', '{"a":"1"}', { kept: 0, changed: ['/a'] }],
    ['names with slashes', '{"a/b~":1}', '{"a/b~":2}', { kept: 0, changed: ['/a~1b~0'] }],
    ['what is no JSON any more', '{"a":1}', 'gar', { kept: 0, changed: ['/a'] }],
  ])('tells %s', (_, before, after, expected) => {
    expect(compareFields(before, after, ['/t'])).toEqual(expected)
  })
})

function viewWith(refreshes: number): CredentialView {
  return { name: 'app', ready: 'True', refreshes, file: 'access_token', expiresAt: undefined, nextRefreshAt: undefined }
}
