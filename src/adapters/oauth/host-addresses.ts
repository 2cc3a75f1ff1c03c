import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'

/** An address of a host. */
export interface HostAddress {
  readonly address: string
  readonly family: 4 | 6
}

/** Finds all addresses of a host; rejects as `dns.lookup` does. */
export type HostLookup = (host: string) => Promise<readonly HostAddress[]>

/**
 * The system's resolver, with one query under way for each host: getaddrinfo has a few threads for
 * the whole process, and the refreshes of thousands of credentials ask for the same few hosts.
 */
export function systemLookup(): HostLookup {
  const underWay = new Map<string, Promise<readonly HostAddress[]>>()
  return async (host) => {
    const family = isIP(host)
    if (family !== 0) return [{ address: host, family: family === 4 ? 4 : 6 }]
    const query = underWay.get(host) ?? resolve(host).finally(() => underWay.delete(host))
    underWay.set(host, query)
    return query
  }
}

async function resolve(host: string): Promise<readonly HostAddress[]> {
  const found = await lookup(host, { all: true })
  return found.map(({ address, family }) => ({ address, family: family === 4 ? 4 : 6 }))
}
