import type { Step } from '../domain/step.ts'
import { beginsRefresh } from '../domain/hold.ts'
import type { Observed } from '../domain/observed.ts'
import { credentialAttributes } from '../domain/span-attributes.ts'
import type { SpanAttributes, SpanOpening, TraceSpan } from '../ports/tracing.ts'
import type { Deps } from './deps.ts'
import { unhindered } from './unhindered.ts'

/** What is done under a span: with it in its dependencies, so that its parts find where they belong. */
type Work<T> = (deps: Deps) => Promise<T>

/** A reconcile that has found out what is to be done. */
interface Gathered {
  readonly observed: Observed
  readonly first: Step
  /** When it began to gather, on the monotonic clock; absent where nobody traces. */
  readonly beganMs: number | undefined
}

/** Goes on with a reconcile as a trace of its own, if it does anything: most find nothing to do, and are worth none. */
export function inTrace<T>({ observed, first, beganMs }: Gathered, deps: Deps, work: Work<T>): Promise<T> {
  if (deps.tracing === undefined || beganMs === undefined || first.kind !== 'act') return work(deps)
  const { tracing } = deps
  const name = beginsRefresh(first.action) ? 'refresh' : 'reconcile'
  const root = unhindered(() => {
    const begun = tracing.begin({ name, beganMs })
    begun.set(credentialAttributes(observed))
    begun.child({ name: 'gather', beganMs }).end()
    return begun
  }, deps)
  return root === undefined ? work(deps) : within(root, deps, work)
}

/** Does a part of a reconcile as a span, where it is traced. `describe`: what the span says of what came of it. */
export function inSpan<T>(
  opening: SpanOpening,
  deps: Deps,
  work: Work<T>,
  describe?: (result: T) => SpanAttributes,
): Promise<T> {
  const span = unhindered(() => deps.span?.child(opening), deps)
  return span === undefined ? work(deps) : within(span, deps, work, describe)
}

/** Says something of what is under way, where it is traced. */
export function describeSpan(describe: () => SpanAttributes, deps: Deps): void {
  unhindered(() => deps.span?.set(describe()), deps)
}

/** The trace of what is under way, where it will be seen. */
export function traceIdOf(deps: Deps): string | undefined {
  return unhindered(() => deps.span?.traceId, deps)
}

/** What the work brought is returned whatever becomes of the span: it may be the only refresh token that there is. */
async function within<T>(
  span: TraceSpan,
  deps: Deps,
  work: Work<T>,
  describe: (result: T) => SpanAttributes = () => ({}),
): Promise<T> {
  let ending = (): SpanAttributes => ({ 'error.type': 'INTERNAL_ERROR' })
  try {
    const result = await work({ ...deps, span })
    ending = () => describe(result)
    return result
  } finally {
    unhindered(() => span.end(ending()), deps)
  }
}
