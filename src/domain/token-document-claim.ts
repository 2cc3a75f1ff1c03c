import { claimMember, type ClaimState, type DocumentClaim, type TokenMark } from './document-claim.ts'
import { applyEdits, type Edit, type JsonNode, type JsonObject, liftEdit, parseJsonText } from './json-text.ts'
import { Sensitive } from './sensitive.ts'
import { locateToken } from './token-document-location.ts'

/** The claim on one token of a document; absent without room for one. Or what is wrong with the member that holds claims. */
export type FoundClaim =
  | { readonly ok: true; readonly claim?: ClaimState }
  | {
      readonly ok: false
      /** The end of a sentence that begins with the document's name; no full stop. */
      readonly detail: string
    }

/**
 * How the member is written: `object` is a JSON object, `text` a string that holds the text of one,
 * for documents whose values are all strings. Both are read everywhere; one that is there keeps its form.
 */
export type ClaimForm = 'object' | 'text'

/** The member as it was found, with the text that it is written in. */
interface Claims {
  readonly key: string
  readonly owners: JsonObject
  /** Turns an edit of the text that `owners` stands in into one of the document. */
  readonly lift: (edit: Edit) => Edit
}

/** 32 bytes. */
const sealingKey = /^[A-Za-z0-9+/]{43}=$/

/** It ends up in messages: no control characters, no line separators, nothing that turns the direction of a line. */
const shortLine = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,512}$/u

/** A document has room for claims when it is a JSON object. */
export function hasRoomForClaim(document: Sensitive): boolean {
  return parseJsonText(document.reveal())?.kind === 'object'
}

/** The claim on the token that `property` names; of several tokens of a document each has its own owner. Never throws. */
export function findClaim(document: Sensitive, property?: string): FoundClaim {
  const text = document.reveal()
  const root = parseJsonText(text)
  if (root?.kind !== 'object') return { ok: true }
  const claims = claimsIn(text, root)
  if (claims === undefined) return { ok: true, claim: { kind: 'free' } }
  if (claims === 'malformed') return { ok: false, detail: `has a member "${claimMember}" that holds no claims` }
  const owner = only(claims.owners, slotOf(text, property))
  const claim = owner?.kind === 'object' ? claimOf(owner, claims.key) : undefined
  return { ok: true, claim: claim === undefined ? { kind: 'free' } : { kind: 'claimed', claim } }
}

function claimOf(owner: JsonObject, key: string): DocumentClaim {
  const mark = markOf(owner)
  return {
    owner: textOf(owner, 'id') ?? '',
    ownerName: textOf(owner, 'name') ?? '',
    sealingKey: new Sensitive(key),
    ...(mark && { mark }),
  }
}

/**
 * The document with the claim in it, in place of any other claim on the same token. A sealing key
 * that is there stays, whatever the claim says: the records of the document's tokens are sealed with
 * it. Every character outside of the member stays.
 *
 * A document without room, or with a malformed member, is a bug and throws.
 */
export function putClaim(
  document: Sensitive,
  property: string | undefined,
  claim: DocumentClaim,
  form: ClaimForm,
): Sensitive {
  const text = document.reveal()
  const root = parseJsonText(text)
  const claims = root?.kind === 'object' ? claimsIn(text, root) : 'malformed'
  if (root?.kind !== 'object' || claims === 'malformed') throw new Error('the document has no room for a claim')
  if (!sealingKey.test(claim.sealingKey.reveal())) throw new Error('a sealing key is 32 bytes in base64')
  const edit =
    claims === undefined
      ? addedTo(text, root, memberText(ownerText(slotOf(text, property), claim), claim.sealingKey, form))
      : newOwner(claims, slotOf(text, property), claim)
  return new Sensitive(applyEdits(text, edit === undefined ? [] : [edit]))
}

/** What makes the claim on a token say which token the operator has written; undefined without a claim on it. */
export function markEdit(text: string, property: string | undefined, mark: TokenMark): Edit | undefined {
  const root = parseJsonText(text)
  const claims = root?.kind === 'object' ? claimsIn(text, root) : undefined
  if (claims === undefined || claims === 'malformed') return undefined
  const owner = only(claims.owners, slotOf(text, property))
  if (owner?.kind !== 'object') return undefined
  const claim = { owner: textOf(owner, 'id') ?? '', ownerName: textOf(owner, 'name') ?? '', mark }
  return claims.lift({ start: owner.start, end: owner.end, text: ownerValue(claim) })
}

/** Under which name a token's claim stands: where the token is, whether a property says so or the document's shape. */
function slotOf(text: string, property: string | undefined): string {
  const place = locateToken(text, property)
  return 'problem' in place ? (property ?? '') : place.pointer
}

function claimsIn(text: string, root: JsonObject): Claims | 'malformed' | undefined {
  const [member, second] = root.members.filter(({ name }) => name === claimMember)
  if (member === undefined) return undefined
  if (second !== undefined) return 'malformed'
  const { value } = member
  if (value.kind !== 'string') return readClaims(value, (edit) => edit)
  return readClaims(parseJsonText(value.value), (edit) => liftEdit(text, value, edit))
}

function readClaims(node: JsonNode | undefined, lift: Claims['lift']): Claims | 'malformed' {
  if (node?.kind !== 'object') return 'malformed'
  const [key, owners] = [textOf(node, 'key') ?? '', only(node, 'owners')]
  const wellFormed = sealingKey.test(key) && owners?.kind === 'object' && holdsOwners(owners)
  return wellFormed ? { key, owners, lift } : 'malformed'
}

/** In one pass: a document may hold thousands, whoever wrote it. */
function holdsOwners({ members }: JsonObject): boolean {
  const slots = new Set(members.map(({ name }) => name))
  return slots.size === members.length && members.every(({ value }) => isOwner(value))
}

function isOwner(owner: JsonNode): boolean {
  if (owner.kind !== 'object') return false
  return [textOf(owner, 'id'), textOf(owner, 'name')].every((value) => value !== undefined && shortLine.test(value))
}

/** Undefined also when the name occurs twice. */
function only(node: JsonObject, name: string): JsonNode | undefined {
  const found = node.members.filter((member) => member.name === name)
  return found.length === 1 ? found[0]?.value : undefined
}

function textOf(node: JsonObject, name: string): string | undefined {
  const value = only(node, name)
  return value?.kind === 'string' ? value.value : undefined
}

function memberText(owner: string, key: Sensitive, form: ClaimForm): string {
  const value = `{"key":${JSON.stringify(key.reveal())},"owners":{${owner}}}`
  return `${JSON.stringify(claimMember)}:${form === 'text' ? JSON.stringify(value) : value}`
}

/** Undefined when nothing changes. */
function newOwner({ owners, lift }: Claims, slot: string, claim: DocumentClaim): Edit | undefined {
  const there = only(owners, slot)
  if (there?.kind !== 'object') {
    return lift(addedTo('', owners, ownerText(slot, claim)))
  }
  if (textOf(there, 'id') === claim.owner && textOf(there, 'name') === claim.ownerName) return undefined
  return lift({ start: there.start, end: there.end, text: ownerValue(claim) })
}

/** Behind the last member, laid out like the first one. */
function addedTo(text: string, node: JsonObject, member: string): Edit {
  const last = node.members.at(-1)
  if (last === undefined) return { start: node.start + 1, end: node.start + 1, text: member }
  const layout = /^[ \t\n\r]*/.exec(text.slice(node.start + 1))?.[0] ?? ''
  return { start: last.value.end, end: last.value.end, text: `,${layout}${member}` }
}

function ownerText(slot: string, claim: DocumentClaim): string {
  return `${JSON.stringify(slot)}:${ownerValue(claim)}`
}

function ownerValue({ owner, ownerName, mark }: Omit<DocumentClaim, 'sealingKey'>): string {
  const marked = mark && { generation: mark.generation, token: mark.fingerprint }
  return JSON.stringify({ id: owner, name: ownerName, ...marked })
}

/** One that is not as we write it is none. */
function markOf(owner: JsonObject): TokenMark | undefined {
  const counted = only(owner, 'generation')
  const fingerprint = textOf(owner, 'token')
  if (counted?.kind !== 'number' || fingerprint === undefined || !/^\d{1,15}$/.test(counted.text)) return undefined
  return { generation: Number(counted.text), fingerprint }
}
