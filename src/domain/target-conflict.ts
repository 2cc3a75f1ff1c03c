import { type Failure, failure, retold } from './failures.ts'

/** A target of another credential is never handed over by an annotation: each would take it from the other for ever. */
const ofCredential =
  'One target has one credential: choose another spec.target.name, or delete the other credential and what it leaves.'

/** The failure of a credential whose target is somebody else's. `what` is a sentence that names the target and its owner. */
export function targetConflict(what: string, owner: { readonly byCredential?: true }): Failure {
  const cause = failure('TARGET_NOT_OWNED', what)
  return owner.byCredential === true ? retold(cause, cause.code, ofCredential) : cause
}
