/** How access tokens are obtained: by RFC 6749 §6 or §4.4, or as somebody else put them into a store. */
export type Grant = 'RefreshToken' | 'ClientCredentials' | 'StaticToken'
