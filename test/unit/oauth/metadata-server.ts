import type { ScriptedTokenEndpoint } from '../../support/scripted-token-endpoint.ts'
import { httpAnswer, type Script } from '../../support/scripted-token-endpoint.ts'
import { scripted } from './endpoint-bench.ts'

export const oauthPlace = '/.well-known/oauth-authorization-server'
export const openidPlace = '/.well-known/openid-configuration'

/** What stands at a path: a status with a body, or bytes of its own. */
export type Page = readonly [status: number, body: string] | Script

export interface MetadataServer extends ScriptedTokenEndpoint {
  readonly origin: string
  /** May be changed between two requests. */
  readonly pages: Map<string, Page>
  /** Method and path of each request so far. */
  asked(): readonly string[]
}

/** A server with pages; everything else is status 404. It ends with the test. */
export async function metadataServer(
  pages: (origin: string) => Readonly<Record<string, Page>>,
  tls?: { readonly cert: string; readonly key: string },
): Promise<MetadataServer> {
  const standing = new Map<string, Page>()
  const server = await scripted({
    ...(tls && { tls }),
    script: (socket, request) => {
      const page = standing.get(pathOf(request.head)) ?? [404, '<html>']
      if (typeof page === 'function') page(socket, request)
      else socket.end(httpAnswer(page[0], page[1]))
    },
  })
  const { origin } = new URL(server.url)
  for (const [path, page] of Object.entries(pages(origin))) standing.set(path, page)
  const asked = (): readonly string[] => server.requests.map(({ head }) => head.split(' ').slice(0, 2).join(' '))
  return Object.assign(Object.create(server) as ScriptedTokenEndpoint, { origin, pages: standing, asked })
}

function pathOf(head: string): string {
  return new URL(head.split(' ')[1] ?? '', 'http://x').pathname
}

/** A document that says where tokens are had, beside `more`. */
export function documentOf(issuer: string, more: Readonly<Record<string, unknown>> = {}): Page {
  return [200, JSON.stringify({ issuer, token_endpoint: `${new URL(issuer).origin}/token`, ...more })]
}

export const tokenPage: Page = [200, '{}']
