import { lookup as resolve, type LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { isPublicAddress } from '../../domain/address-rules.ts'

/** The name of a manifest's address stands for a host inside the cluster's network, or for the machine itself. */
export class PrivateAddressError extends Error {
  readonly code = 'PRIVATE_ADDRESS'

  constructor() {
    super('the host has a private address')
  }
}

/** True when the host of a URL is itself an address, and not a public one. Names are judged by {@link guardedLookup}. */
export function isPrivateLiteral(url: URL): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return isIP(host) !== 0 && !isPublicAddress(host)
}

/**
 * Resolves a name once and hands on the addresses that were judged, so that no second answer of the
 * name server can differ. A name of which one address is private is refused whole.
 */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    const [first] = addresses ?? []
    if (error !== null || first === undefined) return callback(error ?? new Error('the name has no address'), [])
    if (addresses.some(isPrivate)) return callback(new PrivateAddressError(), [])
    return options.all === true ? callback(null, addresses) : callback(null, first.address, first.family)
  })
}

function isPrivate({ address }: LookupAddress): boolean {
  return !isPublicAddress(address)
}
