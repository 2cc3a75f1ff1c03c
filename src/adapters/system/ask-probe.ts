import { get, type IncomingMessage } from 'node:http'

/** What a probe said. */
export interface ProbeAnswer {
  readonly ok: boolean
  /** One line of printable text. */
  readonly text: string
}

const answerWithinMs = 5_000
const longestAnswer = 4_096

/** Asks a probe of `HealthServer` over a connection of its own. Never rejects: no answer is one that is not ok. */
export function askProbe(url: URL): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const unanswered = (error: NodeJS.ErrnoException): void =>
      resolve({ ok: false, text: `no answer (${error.code ?? error.name})` })
    get(url, { agent: false, signal: AbortSignal.timeout(answerWithinMs) }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => (text = (text + part).slice(0, longestAnswer)))
      response.once('error', unanswered)
      response.once('end', () => resolve(answer(response, text)))
    }).once('error', unanswered)
  })
}

/** Only what the report of a health server looks like is repeated: whoever else answers has nothing to say here. */
function answer({ statusCode = 0 }: IncomingMessage, text: string): ProbeAnswer {
  if (statusCode === 200) return { ok: true, text: 'ready' }
  const problems = text.split('\n').flatMap((line) => /^\[-\] ([\x20-\x7e]+)$/.exec(line)?.[1] ?? [])
  return { ok: false, text: problems.length > 0 ? `not ready: ${problems.join('; ')}` : `status ${statusCode}` }
}
