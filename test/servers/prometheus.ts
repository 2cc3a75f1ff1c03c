import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import { freePort, loopback, send } from './loopback.ts'
import { ServerHome } from './server-home.ts'
import { ServerProcess } from './server-process.ts'
import { serverPath } from './server-source.ts'

export interface PrometheusOptions {
  /** `host:port` of what is scraped every second. */
  readonly target: string
  readonly job: string
  /** A rule file; evaluated every second. */
  readonly rules: string
}

/** An alert that is pending or firing. */
export interface ActiveAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly state: 'pending' | 'firing'
}

/** A real Prometheus that scrapes one target and evaluates one rule file. */
export interface Prometheus {
  alerts(): Promise<readonly ActiveAlert[]>
  /** The values of an instant query. */
  query(expression: string): Promise<readonly number[]>
  /** The exemplars that it keeps of the series of a selector: their labels. */
  exemplars(selector: string): Promise<readonly Readonly<Record<string, string>>[]>
  stop(): Promise<void>
}

/** @throws with the end of its log when it is not ready within 30 s. */
export async function startPrometheus({ target, job, rules }: PrometheusOptions): Promise<Prometheus> {
  const home = new ServerHome('prometheus')
  try {
    await writeFile(home.path('rules.yaml'), rules)
    await writeFile(home.path('prometheus.yaml'), configuration(target, job))
    const port = await freePort()
    const url = `http://${loopback}:${port}`
    await ServerProcess.start({
      name: 'prometheus',
      home,
      command: serverPath('prometheus'),
      args: [
        `--config.file=${home.path('prometheus.yaml')}`,
        `--storage.tsdb.path=${home.path('data')}`,
        `--web.listen-address=${loopback}:${port}`,
        '--enable-feature=exemplar-storage',
      ],
      ready: async () => (await send({ url: `${url}/-/ready`, timeoutMs: 2000 })).status === 200,
      readyWithinMs: 30_000,
    })
    return {
      alerts: () => alertsAt(url),
      query: (expression) => queryAt(url, expression),
      exemplars: (selector) => exemplarsAt(url, selector),
      stop: () => home.remove(),
    }
  } catch (error) {
    await home.remove()
    throw error
  }
}

/** Runs promtool. @throws with what it printed when it finds something. */
export async function runPromtool(args: readonly string[], input?: string): Promise<string> {
  const running = promisify(execFile)(join(dirname(serverPath('prometheus')), 'promtool'), args)
  running.child.stdin?.end(input)
  try {
    return (await running).stdout
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string }
    throw new Error(`promtool ${args.join(' ')}: ${stdout}${stderr}`, { cause: error })
  }
}

function configuration(target: string, job: string): string {
  return stringify({
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: ['rules.yaml'],
    scrape_configs: [{ job_name: job, honor_labels: true, static_configs: [{ targets: [target] }] }],
  })
}

async function alertsAt(url: string): Promise<readonly ActiveAlert[]> {
  const { json } = await send({ url: `${url}/api/v1/alerts` })
  return (json['data'] as { readonly alerts: readonly ActiveAlert[] }).alerts
}

async function exemplarsAt(url: string, selector: string): Promise<readonly Readonly<Record<string, string>>[]> {
  const now = Date.now() / 1000
  const range = `start=${now - 600}&end=${now + 60}`
  const { json } = await send({ url: `${url}/api/v1/query_exemplars?query=${encodeURIComponent(selector)}&${range}` })
  const found = json['data'] as readonly {
    readonly exemplars: readonly { readonly labels: Record<string, string> }[]
  }[]
  return found.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels))
}

async function queryAt(url: string, expression: string): Promise<readonly number[]> {
  const { json } = await send({ url: `${url}/api/v1/query?query=${encodeURIComponent(expression)}` })
  const { result } = json['data'] as { readonly result: readonly { readonly value: readonly [number, string] }[] }
  return result.map(({ value }) => Number(value[1]))
}
