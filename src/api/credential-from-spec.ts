import type {
  CredentialSpec,
  Output,
  RefreshPolicy,
  TokenSource,
  StaticTokenSource,
  Target,
} from '../domain/credential.ts'
import { parseGoDuration } from '../domain/duration.ts'
import { formatParameters, type FormatParameters } from '../domain/output-format.ts'
import { parseTemplate } from '../domain/template/parse-template.ts'
import type { Template } from '../domain/template/template.ts'
import type { DurationSeconds } from '../domain/time.ts'
import { present } from '../domain/present.ts'
import type { OAuthCredentialSpec } from './oauth-credential.ts'
import { sharedValue } from './shared-text.ts'
import { decodeTime } from './status-time.ts'

/** The domain's view of a spec that the schema accepted. */
export function credentialFromSpec(spec: OAuthCredentialSpec): CredentialSpec {
  const { grant } = spec
  const scopes = sharedValue(spec.scopes)
  const common = {
    refresh: sharedValue(refreshPolicy(spec.refresh)),
    target: target(spec.target),
    suspend: spec.suspend,
    ...(spec.revocationPolicy !== 'Never' && { revocationPolicy: spec.revocationPolicy }),
  }
  switch (grant) {
    case 'RefreshToken':
      return {
        // The constant, not the text that came with each of ten thousand objects.
        grant: 'RefreshToken',
        provider: sharedValue(given(spec.providerRef)),
        scopes,
        refreshToken: source(spec.refreshToken),
        ...common,
      }
    case 'ClientCredentials':
      return { grant, provider: sharedValue(given(spec.providerRef)), scopes, ...common }
    case 'StaticToken':
      return { grant, accessToken: staticSource(spec.accessToken), ...common }
  }
}

function target({ type, restartInterval, outputs, ...rest }: OAuthCredentialSpec['target']): Target {
  const restartIntervalSeconds = restartInterval === undefined ? undefined : durationOf(restartInterval)
  const typed = { ...rest, type: type === 'Opaque' ? undefined : type }
  return present({ ...typed, outputs: outputs.map(output), restartIntervalSeconds })
}

function source(manifest: OAuthCredentialSpec['refreshToken']): TokenSource {
  const { storeRef, key, property } = given(manifest)
  return { store: sharedValue(storeRef), key, ...(property !== undefined && { property }) }
}

function staticSource(manifest: OAuthCredentialSpec['accessToken']): StaticTokenSource {
  const expiresAt = decodeTime(given(manifest).expirationTime)
  return { ...source(manifest), ...(expiresAt !== undefined && { expiresAt }) }
}

/** What the rules of the schema want for the grant. */
function given<T>(member: T | undefined): T {
  if (member === undefined) throw new Error('a spec that the schema accepts lacks what its grant needs')
  return member
}

function refreshPolicy(refresh: OAuthCredentialSpec['refresh']): RefreshPolicy {
  const { before, beforePercent, keepAlive, storeOutage } = refresh
  return {
    storeOutage,
    ...(before !== undefined && { beforeSeconds: durationOf(before) }),
    ...(beforePercent !== undefined && { beforePercent }),
    ...(keepAlive !== undefined && { keepAliveSeconds: durationOf(keepAlive) }),
  }
}

function output(manifest: OAuthCredentialSpec['target']['outputs'][number]): Output {
  const { format, key, template } = manifest
  if (template !== undefined && key !== undefined) return { key, template: templateOf(template) }
  if (format === undefined) throw new Error('an output that the schema accepts has neither a format nor a template')
  return sharedValue({ format, ...(key !== undefined && { key }), ...parametersOf(manifest) })
}

function parametersOf(manifest: OAuthCredentialSpec['target']['outputs'][number]): FormatParameters {
  const named = formatParameters.flatMap((name) => (manifest[name] === undefined ? [] : [[name, manifest[name]]]))
  return Object.fromEntries(named) as FormatParameters
}

function templateOf(text: string): Template {
  const parsed = parseTemplate(text)
  if (!parsed.ok) throw new Error('a template that the schema accepts cannot be parsed')
  return parsed.template
}

/** Of a text that the schema accepted as a duration. */
export function durationOf(text: string): DurationSeconds {
  const length = parseGoDuration(text)
  if (length === undefined) throw new Error('a duration that the schema accepts is not a Go duration')
  return length
}
