import type { Settings } from './settings.ts'
import { isRevoked, loginOf, newestOf, type World } from './world.ts'

/**
 * The server receives a refresh token: the answer is the refresh token that it issues, 0 when it
 * refuses. A spent token outside of the leeway revokes everything that came of its login (RFC 9700 §4.14.2).
 */
export function redeem(next: World, settings: Settings, token: number): number {
  const login = loginOf(token)
  if (isRevoked(next, token)) return 0
  const newest = newestOf(next, login)
  if (token === newest) return issue(next, settings, login)
  if (token === newest - 1 && settings.leeway === 'SameToken') return newest
  if (token === newest - 1 && settings.leeway === 'PreviousGeneration') return issue(next, settings, login)
  next.server.revoked[login] = 1
  return 0
}

/** Whether the newest refresh token could be had by presenting the one before it once more. */
export function isGivenAgain(settings: Settings): boolean {
  return settings.leeway !== 'None'
}

function issue(next: World, settings: Settings, login: number): number {
  const token = newestOf(next, login) + 1
  if (token - login * 8 > (settings.tokens ?? 5)) next.marks.beyond = true
  next.server.newest[login] = token
  return token
}
