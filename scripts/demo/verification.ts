import { readFile } from 'node:fs/promises'
import type { AuthorizationServer } from '../../test/support/authorization-server.ts'
import type { CredentialView } from './credential-view.ts'
import { compareFields, textAt } from './document-fields.ts'
import type { Seed } from './seeds.ts'
import type { DemoCredential } from './workspace.ts'

/** What was counted by reading the operator's log and status. */
export interface Counted {
  readonly views: readonly CredentialView[]
  /** Refreshes whose rotated refresh token was put into the store at once. */
  readonly rotations: number
  /** True: somebody ended the demo early, perhaps before the first refresh. */
  readonly early: boolean
}

/** What the world looks like at the end. */
export interface Verification {
  readonly refreshes: number
  readonly rotations: number
  readonly reuses: number
  /** Fields of the seeded documents that are as they were. */
  readonly keptFields: number
  /** Access tokens in targets that the server accepts. */
  readonly activeTokens: number
  /** What is not as it should be; sentences without a full stop. */
  readonly problems: readonly string[]
}

type Server = Pick<AuthorizationServer, 'statistics' | 'isActive' | 'isRefreshTokenActive'>

/** Asks the server and the files whether everything is as the demo shows it. */
export async function verify(
  server: Server,
  credentials: readonly DemoCredential[],
  counted: Counted,
): Promise<Verification> {
  const found = await Promise.all(credentials.map((credential) => verifyCredential(server, credential, counted)))
  const { refreshes, reuses, familiesRevoked } = server.statistics
  const { rotations } = counted
  const reported = counted.views.reduce((sum, view) => sum + view.refreshes, 0)
  const problems = [
    ...(reported === refreshes ? [] : [`the operator reports ${reported} refreshes and the server ${refreshes}`]),
    ...(rotations === refreshes ? [] : [`${refreshes} refresh tokens were rotated and ${rotations} written back`]),
    ...(reuses === 0 ? [] : [`a refresh token was used twice, ${reuses} times`]),
    ...(familiesRevoked === 0 ? [] : [`the server revoked ${familiesRevoked} logins`]),
    ...found.flatMap((credential) => credential.problems),
  ]
  const keptFields = found.reduce((sum, { kept }) => sum + kept, 0)
  const activeTokens = found.filter(({ active }) => active).length
  return { refreshes, rotations, reuses, keptFields, activeTokens, problems }
}

interface CredentialFindings {
  readonly kept: number
  readonly active: boolean
  readonly problems: readonly string[]
}

async function verifyCredential(
  server: Server,
  credential: DemoCredential,
  { views, early }: Counted,
): Promise<CredentialFindings> {
  const { name, file, seed } = credential
  const content = await textOf(credential.document)
  const { kept, changed } = compareFields(JSON.stringify(seed.document), content, seed.tokenFields)
  const newest = await holdsNewest(server, content, seed)
  const active = await holdsActive(server, await textOf(file))
  const refreshed = views.some((view) => view.name === name && view.refreshes > 0)
  const checks: readonly (readonly [boolean, string])[] = [
    [refreshed || early, `${name} was never refreshed`],
    [newest, `${credential.document} does not hold the newest refresh token`],
    [changed.length === 0, `${credential.document} has other fields at ${changed.join(', ')}`],
    [active || (early && !refreshed), `${file} holds no access token that the server accepts`],
  ]
  return { kept, active, problems: checks.filter(([good]) => !good).map(([, problem]) => problem) }
}

/** A used refresh token is no longer accepted, so the one that is accepted is the newest. */
async function holdsNewest(server: Server, document: string, { tokenFields }: Seed): Promise<boolean> {
  const pointer = tokenFields.find((field) => /refresh_?token$/i.test(field)) ?? ''
  const refreshToken = textAt(document, pointer)
  return refreshToken !== undefined && server.isRefreshTokenActive(refreshToken)
}

async function holdsActive(server: Server, content: string): Promise<boolean> {
  const accessToken = accessTokenIn(content)
  return accessToken !== undefined && server.isActive(accessToken)
}

/** The access token in a file of one of the formats that the examples use. */
function accessTokenIn(content: string): string | undefined {
  if (content.startsWith('{')) return textAt(content, '/claudeAiOauth/accessToken') ?? textAt(content, '/access_token')
  return content.trim() === '' ? undefined : content.trim()
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return ''
  }
}
