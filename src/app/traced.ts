import type { Step } from '../domain/step.ts'
import { beginsRefresh } from '../domain/hold.ts'
import type { Observed } from '../domain/observed.ts'
import { credentialAttributes } from '../domain/span-attributes.ts'
import type { SpanAttributes, SpanOpening, TraceSpan } from '../ports/tracing.ts'
import type { Deps } from './deps.ts'

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
  const root = deps.tracing.begin({ name: beginsRefresh(first.action) ? 'refresh' : 'reconcile', beganMs })
  root.set(credentialAttributes(observed))
  root.child({ name: 'gather', beganMs }).end()
  return within(root, deps, work)
}

/** Does a part of a reconcile as a span, where it is traced. `describe`: what the span says of what came of it. */
export function inSpan<T>(
  opening: SpanOpening,
  deps: Deps,
  work: Work<T>,
  describe?: (result: T) => SpanAttributes,
): Promise<T> {
  return deps.span === undefined ? work(deps) : within(deps.span.child(opening), deps, work, describe)
}

async function within<T>(
  span: TraceSpan,
  deps: Deps,
  work: Work<T>,
  describe: (result: T) => SpanAttributes = () => ({}),
): Promise<T> {
  try {
    const result = await work({ ...deps, span })
    span.end(describe(result))
    return result
  } catch (bug) {
    span.end({ 'error.type': 'INTERNAL_ERROR' })
    throw bug
  }
}
