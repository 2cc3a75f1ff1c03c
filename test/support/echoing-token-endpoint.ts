import type { TokenExchange } from '../../src/domain/token-exchange.ts'
import { answer, MemoryTokenEndpoint } from './memory-ports.ts'

/** A server that does not rotate, and sends the refresh token back with every answer all the same. */
export class EchoingTokenEndpoint extends MemoryTokenEndpoint {
  override rotates = false

  override async request(...[request, beforeSend]: Parameters<MemoryTokenEndpoint['request']>): Promise<TokenExchange> {
    const exchange = await super.request(request, beforeSend)
    if (exchange.kind !== 'answered' || exchange.answer.status !== 200) return exchange
    if (request.grant.type !== 'refresh_token') return exchange
    const members = JSON.parse(exchange.answer.body.reveal()) as Record<string, unknown>
    return answer(200, { ...members, refresh_token: request.grant.refreshToken.reveal() })
  }
}
