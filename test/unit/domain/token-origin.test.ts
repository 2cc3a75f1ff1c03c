import { describe, expect, it } from 'vitest'
import { tokenOrigin } from '../../../src/domain/token-origin.ts'
import { aProvider } from '../../support/builders.ts'

const origins: Record<string, [endpoint: string, origin: string]> = {
  'without its path': ['https://login.example.com/oauth/token', 'https://login.example.com'],
  'without a path': ['https://login.example.com', 'https://login.example.com'],
  'without a query': ['https://login.example.com/token?tenant=a', 'https://login.example.com'],
  'without a query where there is no path': ['https://login.example.com?code=a/b:443', 'https://login.example.com'],
  'in small letters': ['HTTPS://Login.Example.COM/Token', 'https://login.example.com'],
  'with its port': ['https://login.example.com:8443/token', 'https://login.example.com:8443'],
  'without the port that HTTPS has anyway': ['https://login.example.com:443/token', 'https://login.example.com'],
  'without the port that HTTP has anyway': ['http://localhost:80/token', 'http://localhost'],
  'with the port of HTTP under HTTPS': ['https://login.example.com:80/token', 'https://login.example.com:80'],
  'with the port of HTTPS under HTTP': ['http://localhost:443/token', 'http://localhost:443'],
  'of an IPv6 address': ['https://[2001:DB8::1]:443/token', 'https://[2001:db8::1]'],
}

describe('the origin of a token endpoint', () => {
  it.each(Object.entries(origins))('%s', (_name, [tokenEndpoint, origin]) => {
    expect(tokenOrigin(aProvider({ tokenEndpoint }))).toBe(origin)
  })
})
