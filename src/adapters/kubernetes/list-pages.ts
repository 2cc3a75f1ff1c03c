import type { KubeClient, KubeError, KubeOutcome } from './kube-client.ts'
import { fields } from './watch-event.ts'

const pageSize = 500

export interface ListRequest<T> {
  readonly path: string
  readonly accept?: string
  /** Selectors. */
  readonly query: Readonly<Record<string, string>>
  /** Turns an item into what is kept of it; undefined drops it. Called page by page, so that whole objects do not pile up. */
  readonly keep: (item: unknown) => T | undefined
  /** Called after every page. */
  readonly onPage: () => void
  readonly signal: AbortSignal
}

export type ListOutcome<T> =
  | { readonly ok: true; readonly items: readonly T[]; readonly version: string }
  | { readonly ok: false; readonly error: KubeError }

/**
 * Lists a collection in pages of 500, as of one resource version.
 *
 * When that version is compacted away between two pages (410), the list starts over; when it happens
 * again, everything is asked for in one page, which cannot expire.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
 */
export async function listPages<T>(client: KubeClient, request: ListRequest<T>): Promise<ListOutcome<T>> {
  const limits = [pageSize, pageSize, undefined]
  for (const limit of limits) {
    const outcome = await listOnce(client, request, limit)
    if (outcome.ok || outcome.error.status !== 410 || limit === undefined) return outcome
  }
  throw new Error('unreachable: the last limit always returns')
}

async function listOnce<T>(
  client: KubeClient,
  request: ListRequest<T>,
  limit: number | undefined,
): Promise<ListOutcome<T>> {
  const items: T[] = []
  for (let next: string | undefined = ''; ;) {
    const outcome: KubeOutcome = await getPage(client, request, limit, next)
    if (!outcome.ok) return outcome
    request.onPage()
    const page = fields(outcome.body)
    for (const item of Array.isArray(page['items']) ? page['items'] : []) {
      const kept = request.keep(item)
      if (kept !== undefined) items.push(kept)
    }
    const { continue: more, resourceVersion } = fields(page['metadata'])
    if (typeof resourceVersion !== 'string') return { ok: false, error: notAList(request.path) }
    if (typeof more !== 'string' || more === '') return { ok: true, items, version: resourceVersion }
    next = more
  }
}

function getPage<T>(
  client: KubeClient,
  { path, accept, query: selectors, signal }: ListRequest<T>,
  limit: number | undefined,
  next: string,
): Promise<KubeOutcome> {
  const query = {
    ...selectors,
    ...(limit === undefined ? {} : { limit: String(limit) }),
    ...(next === '' ? {} : { continue: next }),
  }
  return client.request({ method: 'GET', path, query, signal, ...(accept === undefined ? {} : { accept }) })
}

function notAList(path: string): KubeError {
  return {
    status: 200,
    reason: 'InvalidAnswer',
    message: `GET ${path} was not answered with a list.`,
    ambiguous: false,
  }
}
