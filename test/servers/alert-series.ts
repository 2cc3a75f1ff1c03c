/** Series that make an alert fire after `at`, and like ones that leave it silent; in the notation of promtool, a sample a minute. */
export interface AlertSeries {
  readonly at: string
  readonly fires: Readonly<Record<string, string>>
  readonly silent: Readonly<Record<string, string>>
}

const who = '{namespace="ci",name="claude"}'
/** A time in the life of the test, in seconds: it begins at 0. */
const day = 86_400

export const alertSeries: Readonly<Record<string, AlertSeries>> = {
  OAuthCredentialOperatorDown: {
    at: '6m',
    fires: { 'up{job="oauth-credential-operator",instance="a"}': '1 0x20' },
    silent: {
      'up{job="oauth-credential-operator",instance="a"}': '1 0x20',
      'up{job="oauth-credential-operator",instance="b"}': '1x20',
    },
  },
  OAuthCredentialOperatorNoLeader: {
    at: '4m',
    fires: { 'leader_election_master_status{name="oauth-credential-operator",instance="a"}': '0x20' },
    silent: {
      'leader_election_master_status{name="oauth-credential-operator",instance="a"}': '0x20',
      'leader_election_master_status{name="oauth-credential-operator",instance="b"}': '1x20',
    },
  },
  OAuthCredentialAccessTokenExpired: {
    at: '7m',
    fires: { [`oauthcredential_access_token_expiration_timestamp_seconds${who}`]: '300x20' },
    silent: {
      [`oauthcredential_access_token_expiration_timestamp_seconds${who}`]: '300x20',
      [`oauthcredential_suspended${who}`]: '1x20',
    },
  },
  OAuthCredentialReauthorizationRequired: {
    at: '1m',
    fires: { 'oauthcredential_stalled{namespace="ci",name="claude",reason="LostResponse"}': '1x20' },
    silent: { 'oauthcredential_stalled{namespace="ci",name="claude",reason="InvalidSpec"}': '1x20' },
  },
  OAuthCredentialStalled: {
    at: '6m',
    fires: { 'oauthcredential_stalled{namespace="ci",name="claude",reason="InvalidSpec"}': '1x20' },
    silent: { 'oauthcredential_stalled{namespace="ci",name="claude",reason="SecondSpender"}': '1x20' },
  },
  OAuthCredentialRefreshTokenNotPersisted: {
    at: '3m',
    fires: { [`oauthcredential_refresh_token_writeback_pending${who}`]: '1x20' },
    silent: { [`oauthcredential_refresh_token_writeback_pending${who}`]: '1 0x20' },
  },
  OAuthCredentialRefreshOverdue: {
    at: '16m',
    fires: { [`oauthcredential_next_refresh_timestamp_seconds${who}`]: '300x20' },
    silent: { [`oauthcredential_next_refresh_timestamp_seconds${who}`]: '900x20' },
  },
  OAuthCredentialRefreshFailing: {
    at: '11m',
    fires: { [`oauthcredential_consecutive_refresh_failures${who}`]: '3x20' },
    silent: { [`oauthcredential_consecutive_refresh_failures${who}`]: '2x20' },
  },
  OAuthCredentialRefreshTokenExpiringSoon: {
    at: '61m',
    fires: { [`oauthcredential_refresh_token_expiration_timestamp_seconds${who}`]: `${6 * day}x70` },
    silent: { [`oauthcredential_refresh_token_expiration_timestamp_seconds${who}`]: `${8 * day}x70` },
  },
  OAuthCredentialNotReady: {
    at: '16m',
    fires: { [`oauthcredential_ready${who}`]: '0x20' },
    silent: {
      [`oauthcredential_ready${who}`]: '0x20',
      'oauthcredential_stalled{namespace="ci",name="claude",reason="InvalidSpec"}': '1x20',
    },
  },
  OAuthProviderErrorRateHigh: {
    at: '25m',
    fires: {
      'oauthcredential_refresh_attempts_total{provider="p",namespace="ci"}': '0+10x40',
      'oauthcredential_refresh_failures_total{provider="p",namespace="ci",reason="ProviderUnavailable"}': '0+3x40',
    },
    silent: {
      'oauthcredential_refresh_attempts_total{provider="p",namespace="ci"}': '0+10x40',
      'oauthcredential_refresh_failures_total{provider="p",namespace="ci",reason="ProviderUnavailable"}': '0+2x40',
    },
  },
  OAuthProviderCircuitOpen: {
    at: '6m',
    fires: { 'oauthcredential_token_circuit_state{provider="p"}': '2x20' },
    silent: { 'oauthcredential_token_circuit_state{provider="p"}': '1x20' },
  },
  OAuthCredentialStoreErrors: {
    at: '25m',
    fires: {
      'oauthcredential_store_requests_total{store_type="vault",operation="read",result="success"}': '0+8x40',
      'oauthcredential_store_requests_total{store_type="vault",operation="read",result="error"}': '0+2x40',
    },
    silent: {
      'oauthcredential_store_requests_total{store_type="vault",operation="read",result="success"}': '0+19x40',
      'oauthcredential_store_requests_total{store_type="vault",operation="read",result="error"}': '0+1x40',
    },
  },
  OAuthCredentialQueueStuck: {
    at: '11m',
    fires: { 'workqueue_depth{name="oauthcredential"}': '501x20' },
    silent: {
      'workqueue_depth{name="oauthcredential"}': '400x20',
      'workqueue_longest_running_processor_seconds{name="oauthcredential"}': '60x20',
    },
  },
  OAuthCredentialWatchStale: {
    at: '21m',
    fires: { 'oauthcredential_watch_last_event_timestamp_seconds{resource="oauthcredentials"}': '0x30' },
    silent: { 'oauthcredential_watch_last_event_timestamp_seconds{resource="oauthcredentials"}': '0+60x30' },
  },
}
