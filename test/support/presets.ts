import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import type { Manifest } from './manifests.ts'

/** deploy/providers */
export const presetDirectory = fileURLToPath(new URL('../../deploy/providers', import.meta.url))

/** One file of deploy/providers. */
export interface PresetFile {
  /** Without `.yaml`. */
  readonly name: string
  readonly text: string
  readonly manifest: Manifest
}

export function presetFiles(): readonly PresetFile[] {
  return readdirSync(presetDirectory)
    .filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml')
    .toSorted()
    .map((file) => {
      const text = readFileSync(join(presetDirectory, file), 'utf8')
      return { name: file.slice(0, -'.yaml'.length), text, manifest: parse(text) as Manifest }
    })
}

/** What a user would give for the variables without default. */
const values: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  auth0: { domain: 'acme.eu.auth0.com' },
  cognito: { domain: 'acme.auth.eu-central-1.amazoncognito.com' },
  keycloak: { host: 'keycloak.example.com:8443', realm: 'staff' },
  'microsoft-entra': { tenant: 'contoso.onmicrosoft.com' },
  okta: { domain: 'acme.okta.com' },
  pingone: { environment: '0e2d5f1c-0000-4000-8000-000000000001' },
  snowflake: { account: 'acme-prod' },
  zoho: { domain: 'eu' },
}

/** The least that a namespace writes to use a preset. */
export function heirOf({ name, manifest }: PresetFile): Manifest {
  const { authentication } = manifest.spec['client'] as { readonly authentication: string }
  return {
    apiVersion: manifest.apiVersion,
    kind: 'OAuthProvider',
    metadata: { name, namespace: 'ci' },
    spec: {
      presetRef: { name, values: values[name] ?? {} },
      client: {
        id: 'my-client',
        ...(authentication !== 'none' && { secretRef: { name: 'my-client', key: 'secret' } }),
      },
    },
  }
}
