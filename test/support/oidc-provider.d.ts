/** The part of oidc-provider 9 that the test authorization server uses; the package brings no types. */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  export interface Adapter {
    upsert(id: string, payload: Record<string, unknown>, expiresIn?: number): Promise<void>
    find(id: string): Promise<Record<string, unknown> | undefined>
    findByUid(uid: string): Promise<Record<string, unknown> | undefined>
    findByUserCode(userCode: string): Promise<Record<string, unknown> | undefined>
    consume(id: string): Promise<void>
    destroy(id: string): Promise<void>
    revokeByGrantId(grantId: string): Promise<void>
  }

  export interface Client {
    readonly clientId: string
  }

  export interface IssuedToken {
    readonly grantId: string
    readonly isValid: boolean
    save(): Promise<string>
  }

  interface Grant {
    addOIDCScope(scope: string): void
    save(): Promise<string>
    destroy(): Promise<void>
  }

  export interface GrantContext {
    readonly body: Readonly<Record<string, unknown>>
    readonly oidc: { readonly params: Readonly<Record<string, unknown>> }
  }

  export class Provider {
    constructor(issuer: string, configuration: Readonly<Record<string, unknown>>)
    readonly issuer: string
    callback(): (request: IncomingMessage, response: ServerResponse) => void
    readonly Client: { find(id: string): Promise<Client | undefined> }
    readonly Grant: {
      new (properties: { readonly accountId: string; readonly clientId: string }): Grant
      find(id: string): Promise<Grant | undefined>
    }
    readonly RefreshToken: {
      new (properties: Readonly<Record<string, unknown>>): IssuedToken
      find(value: string, options?: { readonly ignoreExpiration: boolean }): Promise<IssuedToken | undefined>
      revokeByGrantId(grantId: string): Promise<void>
    }
    readonly AccessToken: {
      find(value: string): Promise<IssuedToken | undefined>
      revokeByGrantId(grantId: string): Promise<void>
    }
    on(event: 'grant.success', listener: (context: GrantContext) => void): this
    on(event: 'grant.error', listener: (context: GrantContext, error: Error & { error_detail?: string }) => void): this
    on(event: 'grant.revoked', listener: (context: GrantContext, grantId: string) => void): this
    on(event: 'server_error', listener: (context: GrantContext, error: Error) => void): this
  }

  export const errors: { readonly InvalidGrant: new (detail: string) => Error }
}
