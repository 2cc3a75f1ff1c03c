import type { Guards } from './guards.ts'
import { checkPublish } from './properties.ts'
import type { World } from './world.ts'

/** Step 7: the access token that came with this refresh token goes into the target. */
export function publish(next: World, token: number, guards: Guards): void {
  next.around.due = 0
  if (next.around.published > token && guards.olderNotPublished) return
  checkPublish(next, token)
  next.around.published = token
}
