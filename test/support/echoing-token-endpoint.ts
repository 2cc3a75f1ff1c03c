import type { TokenRequest } from '../../src/ports/token-endpoint.ts'
import type { TokenExchange } from '../../src/domain/token-exchange.ts'
import { answer, MemoryTokenEndpoint } from './memory-ports.ts'

/** A server that does not rotate, and sends the refresh token back with every answer all the same. */
export class EchoingTokenEndpoint extends MemoryTokenEndpoint {
  override rotates = false

  override async request(
    ...[request, beforeSend, answered]: Parameters<MemoryTokenEndpoint['request']>
  ): Promise<TokenExchange> {
    const exchange = this.#echo(await super.request(request, beforeSend), request)
    if (exchange.kind === 'answered') answered?.(exchange.answer)
    return exchange
  }

  #echo(exchange: TokenExchange, request: TokenRequest): TokenExchange {
    if (exchange.kind !== 'answered' || exchange.answer.status !== 200) return exchange
    if (request.grant.type !== 'refresh_token') return exchange
    const members = JSON.parse(exchange.answer.body.reveal()) as Record<string, unknown>
    return answer(200, { ...members, refresh_token: request.grant.refreshToken.reveal() })
  }
}
