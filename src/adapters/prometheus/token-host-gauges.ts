import type { TokenHostGauge } from '../../ports/token-host-gauges.ts'
import type { ExpositionFormat } from './exposition-format.ts'
import { type Family, headerText, labelText, sampleText } from './text-format.ts'

const waitingFamily: Family = {
  name: 'oauthcredential_token_budget_waiting',
  help: 'Credentials whose refresh waits for its turn at the token host.',
  type: 'gauge',
}
const circuitFamily: Family = {
  name: 'oauthcredential_token_circuit_state',
  help: 'Whether requests are kept from the token host: 0 closed (none is), 1 half-open (one at a time tries), 2 open (all are).',
  type: 'gauge',
}
const circuitValues: Readonly<Record<TokenHostGauge['circuit'], number>> = { closed: 0, 'half-open': 1, open: 2 }

/** Renders what is known of the token hosts. Providers of one name are one: how many wait is summed, and the worst circuit counts. */
export function renderTokenHostGauges(gauges: Iterable<TokenHostGauge>, format: ExpositionFormat): string {
  const byProvider = new Map<string, { waiting: number; circuit: number }>()
  for (const { provider, waiting, circuit } of gauges) {
    const known = byProvider.get(provider) ?? { waiting: 0, circuit: 0 }
    byProvider.set(provider, {
      waiting: known.waiting + waiting,
      circuit: Math.max(known.circuit, circuitValues[circuit]),
    })
  }
  if (byProvider.size === 0) return ''
  let waitingText = headerText(waitingFamily, format)
  let circuitText = headerText(circuitFamily, format)
  for (const [provider, { waiting, circuit }] of byProvider) {
    waitingText += sampleText(waitingFamily.name, labelText('provider', provider), waiting)
    circuitText += sampleText(circuitFamily.name, labelText('provider', provider), circuit)
  }
  return waitingText + circuitText
}
