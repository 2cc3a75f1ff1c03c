import { setImmediate } from 'node:timers/promises'
import type { CredentialGaugeInput, CredentialInfo } from '../../ports/credential-gauges.ts'
import type { ExpositionFormat } from './exposition-format.ts'
import { GaugeText, labelText } from './text-format.ts'

/** How many credentials are rendered before other work of the process gets a turn: two or three milliseconds. */
const credentialsPerTurn = 200

/** The value of one gauge for one credential; undefined: no series. */
interface CredentialGauge {
  readonly name: string
  readonly help: string
  value(credential: CredentialGaugeInput): number | undefined
}

/** Gauges with no labels but the credential's. */
const plainGauges: readonly CredentialGauge[] = [
  {
    name: 'oauthcredential_ready',
    help: 'Whether the target holds an unexpired access token of this spec.',
    value: ({ ready }) => (ready ? 1 : 0),
  },
  {
    name: 'oauthcredential_access_token_expiration_timestamp_seconds',
    help: 'Expiry of the access token that is in the target.',
    value: ({ accessTokenExpiresAt }) => accessTokenExpiresAt,
  },
  {
    name: 'oauthcredential_next_refresh_timestamp_seconds',
    help: 'When the next refresh is due. Absent while a human must act.',
    value: ({ nextRefreshAt }) => nextRefreshAt,
  },
  {
    name: 'oauthcredential_last_success_timestamp_seconds',
    help: 'When the last successful refresh was started.',
    value: ({ lastSuccessAt }) => lastSuccessAt,
  },
  {
    name: 'oauthcredential_consecutive_refresh_failures',
    help: 'Failed attempts since the last success.',
    value: ({ consecutiveFailures }) => consecutiveFailures,
  },
  {
    name: 'oauthcredential_refresh_token_expiration_timestamp_seconds',
    help: 'Expiry of the refresh token. Absent when the server did not say.',
    value: ({ refreshTokenExpiresAt }) => refreshTokenExpiresAt,
  },
  {
    name: 'oauthcredential_refresh_token_writeback_pending',
    help: 'Whether a rotated refresh token ought to be in its store and is not.',
    value: ({ writeBackPending }) => (writeBackPending ? 1 : 0),
  },
  {
    name: 'oauthcredential_store_behind_since_timestamp_seconds',
    help: 'Since when only the record holds the newest refresh token, planned or not. Absent while its store does.',
    value: ({ storeBehindSince }) => storeBehindSince,
  },
  {
    name: 'oauthcredential_suspended',
    help: 'Present while spec.suspend is true.',
    value: ({ suspended }) => (suspended ? 1 : undefined),
  },
]

type State = 'ready' | 'not_ready' | 'stalled' | 'suspended'

export interface GaugeRendering {
  /** False: only totals by state. */
  readonly perCredential: boolean
  readonly format: ExpositionFormat
}

/**
 * Renders the gauges of all credentials, by hand: building ten thousand credentials' series in
 * prom-client blocks the process for a tenth of a second. Yields in between.
 *
 * A name that comes twice is rendered once, because one duplicate series makes a scraper drop the
 * whole answer. `seen` is told of each credential once.
 */
export async function renderCredentialGauges(
  credentials: Iterable<CredentialGaugeInput>,
  { perCredential, format }: GaugeRendering,
  seen: (credential: CredentialGaugeInput) => void,
): Promise<readonly Buffer[]> {
  const series = new CredentialSeries(format)
  const totals = new Totals()
  const rendered = new Set<string>()
  for (const credential of credentials) {
    const key = `${credential.namespace}/${credential.name}`
    if (rendered.has(key)) continue
    rendered.add(key)
    seen(credential)
    totals.add(credential)
    if (perCredential) series.add(credential)
    if (rendered.size % credentialsPerTurn > 0) continue
    series.settle()
    await setImmediate()
  }
  return [...totals.bytes(format), ...series.bytes()]
}

class CredentialSeries {
  readonly #plain: readonly { readonly gauge: CredentialGauge; readonly text: GaugeText }[]
  readonly #stalled: GaugeText
  readonly #info: GaugeText

  constructor(format: ExpositionFormat) {
    this.#plain = plainGauges.map((gauge) => ({ gauge, text: new GaugeText(gauge.name, gauge.help, format) }))
    this.#stalled = new GaugeText('oauthcredential_stalled', 'Present while a human must act.', format)
    this.#info = new GaugeText('oauthcredential_info', 'What the credential refers to; always 1.', format)
  }

  add(credential: CredentialGaugeInput): void {
    const labels = `${labelText('namespace', credential.namespace)},${labelText('name', credential.name)}`
    for (const { gauge, text } of this.#plain) {
      const value = gauge.value(credential)
      if (value !== undefined) text.add(labels, value)
    }
    if (credential.stalledReason !== undefined) {
      this.#stalled.add(`${labels},${labelText('reason', credential.stalledReason)}`, 1)
    }
    this.#info.add(`${labels},${infoLabels(credential.info)}`, 1)
  }

  settle(): void {
    for (const text of this.#texts()) text.settle()
  }

  bytes(): readonly Buffer[] {
    return this.#texts().flatMap((text) => text.bytes())
  }

  #texts(): readonly GaugeText[] {
    return [...this.#plain.map(({ text }) => text), this.#stalled, this.#info]
  }
}

function infoLabels({ grant, provider, storeKind, store, targetSecret, format }: CredentialInfo): string {
  return [
    labelText('grant', grant),
    labelText('provider', provider),
    labelText('store_kind', storeKind),
    labelText('store', store),
    labelText('target_secret', targetSecret),
    labelText('format', format),
  ].join(',')
}

/** What remains to alert on when there are no gauges per credential. */
class Totals {
  readonly #states: Record<State, number> = { ready: 0, not_ready: 0, stalled: 0, suspended: 0 }
  #writeBacksPending = 0

  add(credential: CredentialGaugeInput): void {
    this.#states[stateOf(credential)] += 1
    if (credential.writeBackPending) this.#writeBacksPending += 1
  }

  bytes(format: ExpositionFormat): readonly Buffer[] {
    const credentials = new GaugeText(
      'oauthcredential_credentials',
      'Credentials by state. Each is counted once: suspended before stalled before ready.',
      format,
    )
    for (const [state, count] of Object.entries(this.#states)) credentials.add(labelText('state', state), count)
    const pending = new GaugeText(
      'oauthcredential_refresh_token_writebacks_pending',
      'Credentials whose rotated refresh token is not yet in its store.',
      format,
    )
    pending.add('', this.#writeBacksPending)
    return [...credentials.bytes(), ...pending.bytes()]
  }
}

function stateOf({ suspended, stalledReason, ready }: CredentialGaugeInput): State {
  if (suspended) return 'suspended'
  if (stalledReason !== undefined) return 'stalled'
  return ready ? 'ready' : 'not_ready'
}
