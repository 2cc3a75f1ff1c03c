import { BlockList } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isPublicAddress, mayReach } from '../../../src/domain/address-rules.ts'

describe('isPublicAddress is true for', () => {
  test.each([
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '168.63.129.15',
    '168.63.129.17',
    '169.253.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.0',
    '192.0.3.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '2a00:1450:4001:82a::200e',
    '2001:200::1',
    '2001:4860:4860:0:0:0:0:8888',
    '3ffe:ffff::1',
    '::ffff:8.8.8.8',
    '::ffff:808:808',
    '0:0:0:0:0:FFFF:0808:0808',
    '64:ff9b::8.8.8.8',
    '64:ff9b::808:808',
    '2002:808:808::1',
  ])('%s', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })
})

describe('isPublicAddress is false for', () => {
  test.each([
    ['0.0.0.0', 'this host'],
    ['0.255.255.255', 'this network'],
    ['10.0.0.1', 'private use'],
    ['10.255.255.255', 'private use'],
    ['100.64.0.0', 'shared address space'],
    ['100.100.100.200', 'the metadata service of Alibaba Cloud'],
    ['100.127.255.255', 'shared address space'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.255', 'loopback'],
    ['168.63.129.16', 'the platform service of Azure'],
    ['169.254.169.254', 'the metadata service of most clouds'],
    ['169.254.170.2', 'the credentials of ECS tasks'],
    ['172.16.0.0', 'private use'],
    ['172.31.255.255', 'private use'],
    ['192.0.0.192', 'the metadata service of Oracle Cloud'],
    ['192.0.2.1', 'documentation'],
    ['192.88.99.1', '6to4 relays'],
    ['192.168.0.1', 'private use'],
    ['198.18.0.1', 'benchmarking'],
    ['198.19.255.255', 'benchmarking'],
    ['198.51.100.1', 'documentation'],
    ['203.0.113.1', 'documentation'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['0:0:0:0:0:0:0:1', 'loopback, written out'],
    ['::127.0.0.1', 'IPv4-compatible, deprecated'],
    ['::8.8.8.8', 'IPv4-compatible, deprecated'],
    ['::ffff:127.0.0.1', 'loopback, mapped'],
    ['::ffff:7f00:1', 'loopback, mapped, in hexadecimal'],
    ['::ffff:169.254.169.254', 'metadata, mapped'],
    ['::ffff:0:127.0.0.1', 'IPv4-translated'],
    ['64:ff9b::10.0.0.1', 'private use through NAT64'],
    ['64:ff9b::7f00:1', 'loopback through NAT64'],
    ['64:ff9b:1::8.8.8.8', 'local-use NAT64'],
    ['100::1', 'discard-only'],
    ['2001::1', 'Teredo'],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'Teredo'],
    ['2001:10::1', 'ORCHID'],
    ['2001:1ff:ffff::1', 'the end of the protocol assignments'],
    ['2001:db8::1', 'documentation'],
    ['2002:7f00:1::1', 'loopback through 6to4'],
    ['2002:a9fe:a9fe::1', 'metadata through 6to4'],
    ['3fff::1', 'documentation'],
    ['3fff:fff:ffff::1', 'documentation'],
    ['4000::1', 'unallocated'],
    ['5f00::1', 'segment routing'],
    ['fc00::1', 'unique local'],
    ['fd00:ec2::254', 'the metadata service of AWS'],
    ['fe80::1', 'link local'],
    ['fe80::1%eth0', 'link local with a zone'],
    ['2606:4700::1%eth0', 'a zone'],
    ['fec0::1', 'site local, deprecated'],
    ['ff02::1', 'multicast'],
    ['', 'no text'],
    ['example.com', 'a name'],
    ['localhost', 'a name'],
    ['127.1', 'an abbreviation'],
    ['2130706433', 'a single number'],
    ['0x7f.0.0.1', 'hexadecimal octets'],
    ['8.8.8.08', 'a leading zero'],
    ['8.8.8.8.8', 'too many octets'],
    ['8.8.8.256', 'too large an octet'],
    ['8.8.8.-1', 'a sign'],
    [' 8.8.8.8', 'a space'],
    ['8.8.8.8:443', 'a port'],
    ['[2606:4700::1]', 'brackets'],
    ['2606:4700:::1', 'three colons'],
    ['2606::4700::1', 'two gaps'],
    ['2606:4700:1', 'too few groups'],
    ['2606:1:2:3:4:5:6:7:8', 'too many groups'],
    ['2606:1:2:3:4:5:6:7::', 'a gap with nothing in it'],
    ['2606:47000::1', 'too long a group'],
    ['2606:4700::8.8.8.8:1', 'IPv4 that is not at the end'],
    ['::ffff:08.8.8.8', 'IPv4 inside IPv6 with a leading zero'],
  ])('%s (%s)', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  test('every IPv4 address in a special block, also in its IPv6 disguises, as node:net sees the blocks', () => {
    const special = new BlockList()
    for (const [address, bits] of [
      ['0.0.0.0', 8],
      ['10.0.0.0', 8],
      ['100.64.0.0', 10],
      ['127.0.0.0', 8],
      ['168.63.129.16', 32],
      ['169.254.0.0', 16],
      ['172.16.0.0', 12],
      ['192.0.0.0', 24],
      ['192.0.2.0', 24],
      ['192.88.99.0', 24],
      ['192.168.0.0', 16],
      ['198.18.0.0', 15],
      ['198.51.100.0', 24],
      ['203.0.113.0', 24],
      ['224.0.0.0', 4],
      ['240.0.0.0', 4],
    ] as const)
      special.addSubnet(address, bits, 'ipv4')
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const expected = !special.check(address, 'ipv4')
        for (const prefix of ['', '::ffff:', '64:ff9b::']) expect(isPublicAddress(prefix + address)).toBe(expected)
      }),
      { numRuns: 2000 },
    )
  })

  test('and where private addresses are allowed, those of the platform are not', () => {
    const platform = [
      '169.254.0.0',
      '169.254.169.254',
      '169.254.170.2',
      '169.254.255.255',
      '::ffff:169.254.169.254',
      '::ffff:a9fe:a9fe',
      '64:ff9b::169.254.169.254',
      '64:ff9b:1::169.254.169.254',
      '::ffff:0:169.254.169.254',
      '::169.254.169.254',
      '100.100.100.200',
      '168.63.129.16',
      '192.0.0.192',
      'fe80::1',
      'febf::1',
      'fe80::1%eth0',
      'fd00:ec2::254',
      'fd00:ec2::23',
      'fd20:ce::254',
      '',
      'localhost',
    ]
    const own = [
      '127.0.0.1',
      '::1',
      '64:ff9b:1::10.0.0.1',
      '10.0.0.1',
      '192.168.0.1',
      '100.64.0.1',
      'fd00::1',
      'fec0::1',
      '::ffff:10.0.0.1',
      '1.1.1.1',
    ]
    for (const address of platform)
      expect([address, mayReach(address, true), mayReach(address, false)]).toEqual([address, false, false])
    for (const address of own) expect([address, mayReach(address, true)]).toEqual([address, true])
    expect(mayReach('10.0.0.1', false)).toBe(false)
    expect(mayReach('1.1.1.1', false)).toBe(true)
  })

  test('whatever text comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789abcdef:.%[]'.split('')) }), (text) => {
        expect(typeof isPublicAddress(text)).toBe('boolean')
      }),
    )
  })
})
