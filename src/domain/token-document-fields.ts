import type { AccessToken, RotatedTokens } from './tokens.ts'
import type { Edit, JsonArray, JsonNode } from './json-text.ts'
import { editOfDocument, type ObjectPlace, plainName, type TextLayer } from './token-document-location.ts'
import { durationLike, momentLike } from './time-form.ts'

/** What a field is to hold, given what it holds; undefined leaves it. */
type NewContent = (written: string, name: string) => string | undefined

type Fields = Readonly<Record<string, NewContent>>

/**
 * Edits of the fields beside a refresh token that speak of the tokens: only of fields that are
 * there, in the type and unit that they have. The expiry of an access token that the document does
 * not hold is nobody's, so without the access token itself its other fields are left alone.
 */
export function editFields(
  set: ObjectPlace,
  tokenHolders: ReadonlySet<JsonNode>,
  tokens: RotatedTokens,
): readonly Edit[] {
  const { accessToken } = tokens
  const fields = { ...refreshTokenFields(tokens) }
  const edits: Edit[] = []
  if (accessToken !== undefined && holdsAccessToken(set)) {
    Object.assign(fields, accessTokenFields(accessToken, set))
    edits.push(...scopeListEdits(set, accessToken.scopes))
    if (set.parent !== undefined)
      edits.push(...editMembers(set.parent, tokenHolders, issueTimes(accessToken, ['lastrefresh'])))
  }
  return [...edits, ...editMembers(set, tokenHolders, fields)]
}

/** Edit that puts `content` in place of a text, without the white space around it. */
export function editWord(layer: TextLayer, content: string): Edit | undefined {
  const word = layer.text.trim()
  if (word === content) return undefined
  const start = word === '' ? layer.text.length : layer.text.indexOf(word)
  return editOfDocument(layer, { start, end: start + word.length, text: content })
}

function refreshTokenFields({ refreshTokenExpiresAt, accessToken }: RotatedTokens): Fields {
  if (refreshTokenExpiresAt === undefined) return {}
  const at: NewContent = (written, name) => momentLike(written, refreshTokenExpiresAt, zeroIsMs(name))
  const absolute = { refreshtokenexpiresat: at, refreshexpiresat: at }
  if (accessToken === undefined) return absolute
  const left: NewContent = (written) => durationLike(written, refreshTokenExpiresAt - accessToken.issuedAt)
  return { ...absolute, refreshtokenexpiresin: left, refreshexpiresin: left }
}

function accessTokenFields(token: AccessToken, set: ObjectPlace): Fields {
  const value: NewContent = () => token.value.reveal()
  const expiry: NewContent = (written, name) => momentLike(written, token.expiresAt, zeroIsMs(name))
  const scope: NewContent = (written) => scopeText(written, token.scopes)
  return {
    accesstoken: value,
    ...(hasMember(set, 'refresh') ? { access: value } : {}),
    idtoken: () => token.idToken?.reveal(),
    tokentype: (written) => (written.toLowerCase() === token.tokenType.toLowerCase() ? undefined : token.tokenType),
    scope,
    scopes: scope,
    expiresin: (written) => durationLike(written, token.expiresAt - token.issuedAt),
    expiresat: expiry,
    expires: expiry,
    expiry,
    expirydate: expiry,
    ...issueTimes(token, ['createdat', 'issuedat', 'obtainedat', 'lastrefresh']),
  }
}

function issueTimes(token: AccessToken, names: readonly string[]): Fields {
  const at: NewContent = (written, name) => momentLike(written, token.issuedAt, zeroIsMs(name))
  return Object.fromEntries(names.map((name) => [name, at]))
}

/** What JavaScript programs write is in milliseconds. */
function zeroIsMs(name: string): boolean {
  return /[a-z][A-Z]/.test(name) || name === 'expires' || name === 'expiry_date'
}

function scopeText(written: string, scopes: readonly string[]): string | undefined {
  if (scopes.length === 0) return undefined
  return scopes.join(written.includes(',') && !written.includes(' ') ? ',' : ' ')
}

function holdsAccessToken(set: ObjectPlace): boolean {
  const opencode = hasMember(set, 'refresh')
  return set.node.members.some(
    ({ name, value }) =>
      value.kind === 'string' && (plainName(name) === 'accesstoken' || (opencode && name === 'access')),
  )
}

function hasMember({ node }: ObjectPlace, name: string): boolean {
  return node.members.some((member) => member.name === name)
}

function editMembers(place: ObjectPlace, tokenHolders: ReadonlySet<JsonNode>, fields: Fields): readonly Edit[] {
  return place.node.members.flatMap(({ name, value }) => {
    const field = plainName(name)
    const content = Object.hasOwn(fields, field) && !tokenHolders.has(value) ? fields[field] : undefined
    const edit = content && editMember(place.layer, value, (written) => content(written, name))
    return edit === undefined ? [] : [edit]
  })
}

function editMember(
  layer: TextLayer,
  node: JsonNode,
  content: (written: string) => string | undefined,
): Edit | undefined {
  if (node.kind === 'string') {
    const text = content(node.value.trim())
    return text === undefined ? undefined : editWord({ text: node.value, holder: { layer, node } }, text)
  }
  if (node.kind !== 'number') return undefined
  const text = content(node.text)
  if (text === undefined || text === node.text) return undefined
  return editOfDocument(layer, { start: node.start, end: node.end, text })
}

function scopeListEdits({ layer, node }: ObjectPlace, scopes: readonly string[]): readonly Edit[] {
  if (scopes.length === 0) return []
  return node.members.flatMap(({ name, value }) => {
    const list = value.kind === 'array' && /^scopes?$/i.test(name) ? value : undefined
    if (list === undefined || holdsSame(list, scopes)) return []
    return [editOfDocument(layer, { start: list.start, end: list.end, text: renderList(layer.text, list, scopes) })]
  })
}

function holdsSame(list: JsonArray, scopes: readonly string[]): boolean {
  const same = (scope: string, index: number): boolean => {
    const item = list.items[index]
    return item?.kind === 'string' && item.value === scope
  }
  return list.items.length === scopes.length && scopes.every(same)
}

/** Between the items stands what stood between the first two, or before the first. */
function renderList(text: string, list: JsonArray, values: readonly string[]): string {
  const [first, second] = list.items
  const last = list.items.at(-1)
  if (first === undefined || last === undefined) return JSON.stringify(values)
  const before = text.slice(list.start + 1, first.start)
  const between = second === undefined ? `,${before}` : text.slice(first.end, second.start)
  const after = text.slice(last.end, list.end - 1)
  return `[${before}${values.map((value) => JSON.stringify(value)).join(between)}${after}]`
}
