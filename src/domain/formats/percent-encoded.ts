/** Everything but RFC 3986's unreserved characters as `%XX`, so that neither a URL nor a configuration file finds syntax in it. */
export function percentEncoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}
