import type { TokenHostGauge } from '../../ports/token-host-gauges.ts'
import type { ExpositionFormat } from './exposition-format.ts'
import { GaugeText, labelText } from './text-format.ts'

const circuitValues: Readonly<Record<TokenHostGauge['circuit'], number>> = { closed: 0, 'half-open': 1, open: 2 }

/** Renders what is known of the token hosts. Providers of one name are one: how many wait is summed, and the worst circuit counts. */
export function renderTokenHostGauges(gauges: Iterable<TokenHostGauge>, format: ExpositionFormat): readonly Buffer[] {
  const byProvider = new Map<string, { waiting: number; circuit: number }>()
  for (const { provider, waiting, circuit } of gauges) {
    const known = byProvider.get(provider) ?? { waiting: 0, circuit: 0 }
    byProvider.set(provider, {
      waiting: known.waiting + waiting,
      circuit: Math.max(known.circuit, circuitValues[circuit]),
    })
  }
  const waitingText = new GaugeText(
    'oauthcredential_token_budget_waiting',
    'Credentials whose refresh waits for its turn at the token host.',
    format,
  )
  const circuitText = new GaugeText(
    'oauthcredential_token_circuit_state',
    'Whether requests are kept from the token host: 0 closed (none is), 1 half-open (one at a time tries), 2 open (all are).',
    format,
  )
  for (const [provider, { waiting, circuit }] of byProvider) {
    waitingText.add(labelText('provider', provider), waiting)
    circuitText.add(labelText('provider', provider), circuit)
  }
  return [...waitingText.bytes(), ...circuitText.bytes()]
}
