import { applyEdits, type Edit, type JsonNode } from './json-text.ts'
import { editFields, editWord } from './token-document-fields.ts'
import { locateToken, type TextLayer } from './token-document-location.ts'
import { markEdit } from './token-document-claim.ts'
import type { TokensToStore } from './tokens.ts'
import { Sensitive } from './sensitive.ts'

/** A refresh token in a document, or why there is none. */
export type FoundRefreshToken =
  | { readonly ok: true; readonly refreshToken: Sensitive }
  | {
      readonly ok: false
      /** `missing`: nobody has put a token there yet. `malformed`: the document has to be changed, or pointed into. */
      readonly problem: 'missing' | 'malformed'
      /** The end of a sentence that begins with the document's name; no full stop, never a token. */
      readonly detail: string
    }

/**
 * Finds the refresh token of a document.
 *
 * `property` is a JSON pointer (RFC 6901); it may step through strings that hold JSON themselves,
 * and may end at an object or a text of a known shape. Without it the shape must be known: the bare
 * token; an object with `refresh_token` (RFC 6749 §5.1; also `refreshToken`, `refresh-token`,
 * `REFRESH_TOKEN`, or `refresh` beside `access`); or such an object inside up to two others, as in
 * `claudeAiOauth`, in Codex's `tokens`, or in a map whose value is the text of a whole token file.
 * When several places fit, none is chosen.
 *
 * White space around a token does not belong to it. A member name that occurs twice on the way to
 * the token is malformed. Documents over 256 Ki characters or nested more than 64 deep are
 * malformed. Never throws.
 */
export function findRefreshToken(document: Sensitive, property?: string): FoundRefreshToken {
  const place = locateToken(document.reveal(), property)
  if ('problem' in place) return { ok: false, ...place }
  return { ok: true, refreshToken: new Sensitive(place.layer.text.trim()) }
}

/**
 * The document with the issued tokens in it, for a document that {@link findRefreshToken} finds a
 * token in; any other is a bug and throws.
 *
 * The refresh token is replaced if the tokens have one, and where the document has them beside it
 * so are the access token, the ID token, token type, scopes, and the times: `expires_in`,
 * `expires_at`, `expiry`, `expiry_date`, `created_at`, `last_refresh` and their other spellings, in
 * the unit and type that they have (seconds, milliseconds, RFC 3339; number or string). Of a name
 * that occurs twice, both. The claim on the token, if there is one, says which token it is about by
 * then. Every other character stays: only the values' own ranges are replaced.
 */
export function replaceTokens(document: Sensitive, property: string | undefined, tokens: TokensToStore): Sensitive {
  const text = document.reveal()
  const place = locateToken(text, property)
  if ('problem' in place) throw new Error('tokens can only be replaced in a document that holds a refresh token')
  const edits: (Edit | undefined)[] = []
  if (tokens.refreshToken !== undefined) edits.push(editWord(place.layer, tokens.refreshToken.reveal()))
  if (tokens.mark !== undefined) edits.push(markEdit(text, property, tokens.mark))
  if (place.set !== undefined) edits.push(...editFields(place.set, holders(place.layer), tokens))
  return new Sensitive(
    applyEdits(
      text,
      edits.filter((edit) => edit !== undefined),
    ),
  )
}

/** The strings whose content leads to a text. */
function holders(layer: TextLayer): ReadonlySet<JsonNode> {
  return layer.holder === undefined ? new Set() : new Set([layer.holder.node, ...holders(layer.holder.layer)])
}
