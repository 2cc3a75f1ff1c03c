import type { ListenAddress } from '../adapters/system/health-server.ts'

/** `host:port`, `:port` for every address, `[ipv6]:port`. The command line has checked the form. */
export function listenAddress(text: string): ListenAddress {
  const colon = text.lastIndexOf(':')
  const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  return { host: host === '' ? '0.0.0.0' : host, port: Number(text.slice(colon + 1)) }
}
