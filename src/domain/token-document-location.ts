import { claimMember } from './document-claim.ts'
import {
  type Edit,
  type JsonMember,
  type JsonNode,
  type JsonObject,
  type JsonString,
  liftEdit,
  parseJsonText,
} from './json-text.ts'

/** One text of a document: the document itself, or what stands in a string of it. */
export interface TextLayer {
  readonly text: string
  /** The string that holds this text; absent for the document itself. */
  readonly holder?: { readonly layer: TextLayer; readonly node: JsonString }
}

/** A value of a document and how it is reached. */
export interface Place {
  readonly layer: TextLayer
  readonly node: JsonNode
  /** JSON pointer, unescaped; steps through JSON in strings like through objects. */
  readonly path: readonly string[]
  /** The object around it; absent at the root and in arrays. */
  readonly parent?: ObjectPlace
}

export type ObjectPlace = Place & { readonly node: JsonObject }

/** Where the refresh token is. */
export interface TokenPlace {
  /** The text that is the token, but for white space around it. */
  readonly layer: TextLayer
  /** The object that it is a member of, if it is. */
  readonly set?: ObjectPlace
  /** JSON pointer to the token, through JSON in strings as well; empty for the document itself. */
  readonly pointer: string
}

export interface LocationProblem {
  readonly problem: 'missing' | 'malformed'
  readonly detail: string
}

/** A document that is one text of more characters is not looked at. */
const longestDocument = 256 * 1024

/** An object in an object in an object: a map of files, of which one has entries by provider. */
const deepestSet = 3

const jsonStart = /^\uFEFF?\s*[[{"]/

/** Which of the tokens of a document is looked for, and under which names known shapes have it. */
export interface TokenNames {
  readonly what: string
  readonly article: string
  isName(name: string, node: JsonObject): boolean
}

/** `refresh_token` in any spelling, or `refresh` beside `access`. */
export const refreshTokenNames: TokenNames = {
  what: 'refresh token',
  article: 'a',
  isName: (name, node) => (name === 'refresh' ? hasMember(node, 'access') : plainName(name) === 'refreshtoken'),
}

/** `access_token` in any spelling, `access` beside `refresh`, or `token` where nothing is called an access token. */
export const accessTokenNames: TokenNames = {
  what: 'access token',
  article: 'an',
  isName: (name, node) => {
    if (name === 'access') return hasMember(node, 'refresh')
    if (name === 'token') return !node.members.some((sibling) => plainName(sibling.name) === 'accesstoken')
    return plainName(name) === 'accesstoken'
  },
}

function hasMember(node: JsonObject, name: string): boolean {
  return node.members.some((member) => member.name === name)
}

/** Finds the refresh token, or the one of other names, by `property`, or by the shapes that are known. Never throws. */
export function locateToken(
  document: string,
  property: string | undefined,
  names: TokenNames = refreshTokenNames,
): TokenPlace | LocationProblem {
  if (document.length > longestDocument) return malformed(`is longer than ${longestDocument} characters`)
  if (document.trim() === '') return missing('is empty')
  const layer = { text: document }
  if (!jsonStart.test(document)) return locatePlain(layer, property)
  const node = parseJsonText(document)
  if (node === undefined) return malformed('begins like JSON and is not valid JSON')
  const root = lookInside({ layer, node, path: [] })
  const place = property === undefined ? root : followPointer(root, property)
  if ('problem' in place) return place
  return place.node.kind === 'object' ? locateByShape(place, names) : tokenAt(place)
}

function locatePlain(layer: TextLayer, property: string | undefined): TokenPlace | LocationProblem {
  if (property !== undefined && property !== '') return malformed('is plain text, in which a property finds nothing')
  const oneWord = /^[\x21-\x7e]+$/.test(layer.text.trim())
  return oneWord ? { layer, pointer: '' } : malformed('is neither JSON nor a single token')
}

function locateByShape(place: Place, names: TokenNames): TokenPlace | LocationProblem {
  const found = candidates(place, names, deepestSet)
  const filled = found.filter(({ node }) => node.kind === 'string' && node.value.trim() !== '')
  const [first, second] = filled.length > 0 ? filled : found
  if (first === undefined) {
    const empty = place.node.kind === 'object' && place.node.members.length === 0
    return empty ? missing('is an empty object') : malformed(`has no ${names.what} where a known shape has one`)
  }
  if (second === undefined) return tokenAt(first)
  const places = `${pointerText(first.path)} and ${pointerText(second.path)}`
  return malformed(`has ${names.article} ${names.what} at ${places}, and only a property can say which`)
}

/** Every place where a known shape has such a token. */
function candidates(place: Place, names: TokenNames, depth: number): readonly Place[] {
  const { node } = place
  if (node.kind !== 'object' || depth === 0) return []
  const around = { ...place, node }
  const inside = (member: JsonMember): Place => lookInside(memberPlace(around, member))
  const named = node.members.filter(({ name }) => names.isName(name, node)).map(inside)
  if (named.length > 0)
    return named.flatMap((at) => (at.node.kind === 'object' ? candidates(at, names, depth - 1) : [at]))
  return entriesWithLogins(node).flatMap((member) => candidates(inside(member), names, depth - 1))
}

/** The logins that Claude Code has at MCP servers are other servers' and never meant, and a claim is no login. */
function entriesWithLogins(node: JsonObject): readonly JsonMember[] {
  const own = node.members.filter(({ name }) => name === 'claudeAiOauth')
  return own.length > 0 ? own : node.members.filter(({ name }) => name !== 'mcpOAuth' && name !== claimMember)
}

/** `access_token`, `accessToken`, `access-token` and `ACCESS_TOKEN` are one name. */
export function plainName(name: string): string {
  return name.replaceAll(/[_-]/g, '').toLowerCase()
}

function tokenAt({ node, path, layer, parent }: Place): TokenPlace | LocationProblem {
  if (node.kind === 'literal' && node.text === 'null') return missing(`has null at ${pointerText(path)}`)
  if (node.kind !== 'string') return malformed(`has no string at ${pointerText(path)}`)
  if (node.value.trim() === '') return missing(`has an empty string at ${pointerText(path)}`)
  const token = { text: node.value, holder: { layer, node } }
  const pointer = path.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  return { layer: token, pointer, ...(parent && { set: parent }) }
}

function followPointer(root: Place, pointer: string): Place | LocationProblem {
  const wellFormed = /^(?:\/(?:[^~/]|~[01])*)*$/.test(pointer)
  if (!wellFormed) return malformed('cannot be searched, because the property is not a JSON pointer (RFC 6901)')
  let place = root
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    const next = stepsTo(place, name)
    const path = pointerText([...place.path, name])
    if (next[0] === undefined) return missing(`has nothing at ${path}`)
    if (next.length > 1) return malformed(`has the name at ${path} more than once`)
    place = lookInside(next[0])
  }
  return place
}

function stepsTo(place: Place, name: string): readonly Place[] {
  const { node, layer, path } = place
  if (node.kind === 'object') {
    return node.members
      .filter((member) => member.name === name && name !== claimMember)
      .map((member) => memberPlace({ ...place, node }, member))
  }
  if (node.kind !== 'array' || !/^(?:0|[1-9]\d{0,8})$/.test(name)) return []
  const item = node.items[Number(name)]
  return item === undefined ? [] : [{ layer, node: item, path: [...path, name] }]
}

function memberPlace(parent: ObjectPlace, { name, value }: JsonMember): Place {
  return { layer: parent.layer, node: value, path: [...parent.path, name], parent }
}

/** Steps through a string whose content is itself a JSON text, to the value that it is the text of. */
function lookInside(place: Place): Place {
  const { node, layer } = place
  if (node.kind !== 'string' || !jsonStart.test(node.value)) return place
  const inner = parseJsonText(node.value)
  return inner === undefined
    ? place
    : lookInside({ ...place, node: inner, layer: { text: node.value, holder: { layer, node } } })
}

/** Turns an edit of a layer into the edit of the document that does it. */
export function editOfDocument(layer: TextLayer, edit: Edit): Edit {
  const { holder } = layer
  return holder === undefined ? edit : editOfDocument(holder.layer, liftEdit(holder.layer.text, holder.node, edit))
}

/** A pointer for messages. A name that is long or odd is not shown: people have put tokens in stranger places. */
function pointerText(path: readonly string[]): string {
  if (path.length === 0) return 'its root'
  const steps = path.map((name) => (/^[\w.:@-]{1,32}$/.test(name) ? name : '(a name that is not shown)'))
  return `/${steps.join('/')}`
}

function missing(detail: string): LocationProblem {
  return { problem: 'missing', detail }
}

function malformed(detail: string): LocationProblem {
  return { problem: 'malformed', detail }
}
