/** One provider at its token host, at the moment of a scrape. */
export interface TokenHostGauge {
  /** Name of the provider object, never a URL. */
  readonly provider: string
  /** Credentials that wait for their turn. */
  readonly waiting: number
  readonly circuit: 'closed' | 'half-open' | 'open'
}

/** The token hosts as they are now. Called once per scrape; must not do anything but read memory. */
export type TokenHostGaugeSource = () => Iterable<TokenHostGauge>
