import type { ServerResponse } from 'node:http'
import { eventLine } from './stored-object.ts'

/** kube-apiserver sends about one a minute. */
const bookmarkMs = 60_000
/** How much of an initial list is handed to the socket at once. */
const eventsPerWrite = 100

export interface WatchStart {
  /** Events that bring what is there, in chunks; undefined: it was not asked for. */
  readonly initial: readonly string[] | undefined
  /** The newest resource version. */
  readonly version: () => string
}

/** Begins to answer a watch, and sends bookmarks from then on. */
export function openWatch(response: ServerResponse, { initial, version }: WatchStart): void {
  const bookmark = (annotations: object): string => {
    const metadata = { resourceVersion: version(), annotations }
    return eventLine('BOOKMARK', { kind: 'Bookmark', apiVersion: 'v1', metadata })
  }
  response.writeHead(200, { 'content-type': 'application/json' })
  response.flushHeaders()
  for (const events of initial ?? []) response.write(events)
  if (initial !== undefined) response.write(bookmark({ 'k8s.io/initial-events-end': 'true' }))
  const timer = setInterval(() => response.write(bookmark({})), bookmarkMs)
  response.on('close', () => clearInterval(timer))
}

/** As they go over the wire. */
export function inChunks(events: readonly string[]): readonly string[] {
  return Array.from({ length: Math.ceil(events.length / eventsPerWrite) }, (_, chunk) =>
    events.slice(chunk * eventsPerWrite, (chunk + 1) * eventsPerWrite).join(''),
  )
}
