import type { Provider, Rotation } from '../../src/domain/provider.ts'
import { aRotation } from './builders.ts'
import type { Replicas } from './replicas.ts'

// Two authorization servers that a provider may name, and what each of them is sent.

/** Token endpoint of the provider as it begins. */
export const former = 'https://login.example.com/oauth/token'
export const elsewhere = 'https://new.example.com/token'

/** Where each refresh token was presented, by token. */
export type Presented = ReadonlyMap<string, ReadonlySet<string>>

/** Watches the requests from now on. */
export function presentedTokens({ endpoint }: Replicas): Presented {
  const presented = new Map<string, Set<string>>()
  const serve = endpoint.request.bind(endpoint)
  endpoint.request = (asked, beforeSend, came) => {
    const announced = async (): ReturnType<typeof beforeSend> => {
      const may = await beforeSend()
      if (!may.ok || asked.grant.type !== 'refresh_token') return may
      const token = asked.grant.refreshToken.reveal()
      presented.set(token, (presented.get(token) ?? new Set()).add(asked.provider.tokenEndpoint ?? ''))
      return may
    }
    return serve(asked, announced, came)
  }
  return presented
}

/** The provider names the other server, unless `changes` say which. */
export function moveServer(world: Replicas, mode: Rotation['mode'], changes: Partial<Provider> = {}): void {
  world.applyProvider({ rotation: aRotation({ mode }), tokenEndpoint: elsewhere, generation: 2, ...changes })
}
