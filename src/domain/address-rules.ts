import { type IpBytes, parseIpAddress, sharesPrefix } from './ip-address.ts'

/**
 * IPv4 blocks that the IANA IPv4 Special-Purpose Address Registry does not call globally reachable,
 * multicast, and two addresses of the public space that mean the machine's own platform.
 */
const notPublicIpv4 = blocks([
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private use
  '100.64.0.0/10', // shared address space; Alibaba Cloud's metadata service is in it
  '127.0.0.0/8', // loopback
  '168.63.129.16/32', // Azure's platform service, reachable from every virtual machine
  '169.254.0.0/16', // link local; the metadata services of AWS, Azure and Google Cloud are in it
  '172.16.0.0/12', // private use
  '192.0.0.0/24', // IETF protocol assignments; Oracle Cloud's metadata service is in it
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relay anycast, deprecated
  '192.168.0.0/16', // private use
  '198.18.0.0/15', // benchmarking
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, limited broadcast
])

/** The only IPv6 block in use for public unicast. */
const globalUnicastIpv6 = block('2000::/3')

/** Blocks inside {@link globalUnicastIpv6} that are not globally reachable, or tunnel to where nobody can tell. */
const notPublicIpv6 = blocks([
  '2001::/23', // IETF protocol assignments, Teredo among them
  '2001:db8::/32', // documentation
  '3fff::/20', // documentation
])

/**
 * Where the platform below a machine answers whoever asks, with credentials among other things. No server that
 * a manifest could mean is there.
 */
const platformIpv4 = blocks([
  '100.100.100.200/32', // metadata service of Alibaba Cloud
  '168.63.129.16/32', // platform service of Azure
  '169.254.0.0/16', // link local; the metadata services of AWS, Azure and Google Cloud are in it
  '192.0.0.192/32', // metadata service of Oracle Cloud
])
const platformIpv6 = blocks([
  'fe80::/10', // link local
  'fd00:ec2::/32', // metadata service and credentials of Pods in AWS
  'fd20:ce::254/128', // metadata service of Google Cloud
])

/** Blocks whose addresses carry an IPv4 address, with the byte where it begins. */
const embeddingIpv6 = [
  { ...block('::ffff:0:0/96'), at: 12 }, // IPv4-mapped, RFC 4291 §2.5.5.2
  { ...block('64:ff9b::/96'), at: 12 }, // NAT64, RFC 6052 §2.1
  { ...block('2002::/16'), at: 2 }, // 6to4, RFC 3056 §2
]

/** Like them, in private networks: nobody outside is reached by these, but translators inside may know them. */
const translatingIpv6 = [
  { ...block('::/96'), at: 12 }, // IPv4-compatible, RFC 4291 §2.5.5.1
  { ...block('::ffff:0:0:0/96'), at: 12 }, // IPv4-translated, RFC 7915
  { ...block('64:ff9b:1::/48'), at: 12 }, // NAT64 of one's own, RFC 8215
]

/**
 * True when `address`, an IP address as a resolver writes it, belongs to a host of the public
 * internet. Addresses that carry an IPv4 address are judged by that one. Text that is no address,
 * or has a zone, is not public.
 *
 * @see IANA IPv4 and IPv6 Special-Purpose Address Registries
 */
export function isPublicAddress(address: string): boolean {
  const bytes = parseIpAddress(address)
  if (bytes === undefined) return false
  return bytes.length === 4 ? isPublicIpv4(bytes) : isPublicIpv6(bytes)
}

/**
 * True when a connection may go to `address`. Private and loopback addresses are for who allows them; those of the
 * platform, link-local ones among them, are for nobody.
 */
export function mayReach(address: string, allowPrivateAddresses: boolean): boolean {
  if (!allowPrivateAddresses) return isPublicAddress(address)
  const bytes = parseIpAddress(address)
  return bytes !== undefined && !isOfPlatform(bytes)
}

function isOfPlatform(bytes: IpBytes): boolean {
  const ipv4 = bytes.length === 4 ? bytes : embeddedIpv4(bytes, [...embeddingIpv6, ...translatingIpv6])
  return (ipv4 === undefined ? platformIpv6 : platformIpv4).some((range) => contains(range, ipv4 ?? bytes))
}

function embeddedIpv4(bytes: IpBytes, ranges: typeof embeddingIpv6): IpBytes | undefined {
  const embedding = ranges.find((range) => contains(range, bytes))
  return embedding && bytes.slice(embedding.at, embedding.at + 4)
}

function isPublicIpv4(bytes: IpBytes): boolean {
  return !notPublicIpv4.some((range) => contains(range, bytes))
}

function isPublicIpv6(bytes: IpBytes): boolean {
  const ipv4 = embeddedIpv4(bytes, embeddingIpv6)
  if (ipv4 !== undefined) return isPublicIpv4(ipv4)
  return contains(globalUnicastIpv6, bytes) && !notPublicIpv6.some((range) => contains(range, bytes))
}

interface Block {
  readonly prefix: IpBytes
  readonly bits: number
}

function contains({ prefix, bits }: Block, bytes: IpBytes): boolean {
  return sharesPrefix(bytes, prefix, bits)
}

function blocks(texts: readonly string[]): readonly Block[] {
  return texts.map(block)
}

function block(text: string): Block {
  const [address = '', bits = ''] = text.split('/')
  return { prefix: parseIpAddress(address) ?? [], bits: Number(bits) }
}
