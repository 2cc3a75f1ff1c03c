import { lookup as resolve } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { mayReach } from '../../domain/address-rules.ts'

/** The name of a manifest's address stands for a host inside the cluster's network, for the machine itself, or for the platform below it. */
export class PrivateAddressError extends Error {
  readonly code = 'PRIVATE_ADDRESS'

  constructor() {
    super('the host has a private address')
  }
}

/** True when the host of a URL is itself an address, and not one to go to. Names are judged by {@link guardedLookup}. */
export function isForbiddenLiteral(url: URL, allowPrivateAddresses: boolean): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return isIP(host) !== 0 && !mayReach(host, allowPrivateAddresses)
}

/**
 * Resolves a name once and hands on the addresses that were judged, so that no second answer of the
 * name server can differ. A name of which one address is not to be gone to is refused whole.
 */
export function guardedLookup(allowPrivateAddresses: boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? []
      if (error !== null || first === undefined) return callback(error ?? new Error('the name has no address'), [])
      const isAllowed = addresses.every(({ address }) => mayReach(address, allowPrivateAddresses))
      if (!isAllowed) return callback(new PrivateAddressError(), [])
      return options.all === true ? callback(null, addresses) : callback(null, first.address, first.family)
    })
  }
}
