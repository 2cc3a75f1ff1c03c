import { setImmediate } from 'node:timers/promises'
import type { CredentialGaugeInput, CredentialInfo } from '../../ports/credential-gauges.ts'
import type { ExpositionFormat } from './exposition-format.ts'
import { type Family, headerText, labelText, sampleText, sampleTexts } from './text-format.ts'

/** How many credentials are looked at, or samples rendered, before other work of the process gets a turn: about a millisecond. */
const perTurn = 200

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

const infoFamily: Family = {
  name: 'oauthcredential_info',
  help: 'What the credential refers to; always 1.',
  type: 'gauge',
}
const stalledFamily: Family = {
  name: 'oauthcredential_stalled',
  help: 'Present while a human must act.',
  type: 'gauge',
}
const totalFamily: Family = {
  name: 'oauthcredential_credentials',
  help: 'Credentials by state. Each is counted once: suspended before stalled before ready.',
  type: 'gauge',
}
const pendingFamily: Family = {
  name: 'oauthcredential_refresh_token_writebacks_pending',
  help: 'Credentials whose rotated refresh token is not yet in its store.',
  type: 'gauge',
}

const infoSample = sampleTexts(infoFamily.name)

type State = 'ready' | 'not_ready' | 'stalled' | 'suspended'

export interface GaugeRendering {
  /** False: only totals by state. */
  readonly perCredential: boolean
  readonly format: ExpositionFormat
}

/**
 * Renders the gauges of all credentials, by hand: building ten thousand credentials' series in
 * prom-client blocks the process for a tenth of a second. Gives way every millisecond or so.
 *
 * The credentials are looked at once, in the order of the source; of each only numbers are kept, so that all gauges of
 * a credential are of one moment, and ten thousand take some megabytes for as long as they are rendered. Of two
 * credentials the moments may differ, by as long as the looking takes.
 *
 * A name that comes twice is rendered once, because one duplicate series makes a scraper drop the
 * whole answer. `seen` is told of each credential once.
 */
export async function* renderCredentialGauges(
  credentials: Iterable<CredentialGaugeInput>,
  { perCredential, format }: GaugeRendering,
  seen: (credential: CredentialGaugeInput) => void,
): AsyncGenerator<string> {
  const totals = new Totals()
  const rows = new Rows()
  let info = headerText(infoFamily, format)
  let looked = 0
  for (const credential of credentials) {
    const labels = `${labelText('namespace', credential.namespace)},${labelText('name', credential.name)}`
    if (!rows.add(labels, perCredential ? credential : undefined)) continue
    seen(credential)
    totals.add(credential)
    if (perCredential) info += infoSample(`${labels},${infoLabels(credential.info)}`, 1)
    looked += 1
    if (looked % perTurn > 0) continue
    if (perCredential) yield info
    info = ''
    await setImmediate()
  }
  if (perCredential && looked > 0) yield info
  yield totals.text(format)
  yield* rows.texts(format)
}

/** What the credentials were when they were looked at: column by column, without an object for each. */
class Rows {
  /** In the order in which they were added. */
  readonly #labels = new Set<string>()
  /** One for each gauge, NaN for no series. */
  readonly #columns = plainGauges.map((gauge) => ({ gauge, values: new Array<number>() }))
  readonly #stalled: (string | undefined)[] = []

  /** False when there is a row with these labels. Nothing but the labels is kept without a credential. */
  add(labels: string, credential: CredentialGaugeInput | undefined): boolean {
    if (this.#labels.has(labels)) return false
    this.#labels.add(labels)
    if (credential === undefined) return true
    for (const { gauge, values } of this.#columns) values.push(gauge.value(credential) ?? Number.NaN)
    this.#stalled.push(credential.stalledReason)
    return true
  }

  *texts(format: ExpositionFormat): Generator<string> {
    for (const { gauge, values } of this.#columns) {
      const sample = sampleTexts(gauge.name)
      yield* this.#family({ ...gauge, type: 'gauge' }, format, (labels, row) => {
        const value = values[row] ?? Number.NaN
        return Number.isNaN(value) ? '' : sample(labels, value)
      })
    }
    const sample = sampleTexts(stalledFamily.name)
    yield* this.#family(stalledFamily, format, (labels, row) => {
      const reason = this.#stalled[row]
      return reason === undefined ? '' : sample(`${labels},${labelText('reason', reason)}`, 1)
    })
  }

  /** Nothing when there are no samples. */
  *#family(
    family: Family,
    format: ExpositionFormat,
    sampleOf: (labels: string, row: number) => string,
  ): Generator<string> {
    const header = headerText(family, format)
    let text = header
    let row = 0
    for (const labels of this.#labels) {
      text += sampleOf(labels, row)
      row += 1
      if (row % perTurn > 0 || text === header) continue
      yield text
      text = ''
    }
    if (text !== header) yield text
  }
}

function infoLabels({ grant, provider, storeKind, store, targetSecret, format }: CredentialInfo): string {
  const refersTo = `${labelText('provider', provider)},${labelText('store_kind', storeKind)},${labelText('store', store)}`
  const gives = `${labelText('target_secret', targetSecret)},${labelText('format', format)}`
  return `${labelText('grant', grant)},${refersTo},${gives}`
}

/** What remains to alert on when there are no gauges per credential. */
class Totals {
  readonly #states: Record<State, number> = { ready: 0, not_ready: 0, stalled: 0, suspended: 0 }
  #writeBacksPending = 0

  add(credential: CredentialGaugeInput): void {
    this.#states[stateOf(credential)] += 1
    if (credential.writeBackPending) this.#writeBacksPending += 1
  }

  text(format: ExpositionFormat): string {
    const samples = Object.entries(this.#states).map(([state, count]) =>
      sampleText(totalFamily.name, labelText('state', state), count),
    )
    const pending = sampleText(pendingFamily.name, '', this.#writeBacksPending)
    return `${headerText(totalFamily, format)}${samples.join('')}${headerText(pendingFamily, format)}${pending}`
  }
}

function stateOf({ suspended, stalledReason, ready }: CredentialGaugeInput): State {
  if (suspended) return 'suspended'
  if (stalledReason !== undefined) return 'stalled'
  return ready ? 'ready' : 'not_ready'
}
