import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { serverPath } from './server-source.ts'

export interface Verdict {
  readonly status: string
  readonly message: string
}

/** What is asked of GitOps tools about one object. */
export interface GitOpsQuestion {
  /** As the API server has it. */
  readonly object: object
  /** Lua scripts as Argo CD runs them, by any name. */
  readonly scripts?: Readonly<Record<string, string>>
  /** CEL expressions of a `healthCheckExprs` entry of Flux. */
  readonly expressions?: object
}

export interface GitOpsAnswer {
  /** What Flux and Helm wait for. */
  readonly kstatus: Verdict
  /** What each script returned. */
  readonly scripts: Readonly<Record<string, unknown>>
  /** Absent where no expressions were given. */
  readonly flux?: string
}

const limitMs = 10_000

/** Asks the libraries of the tools themselves. @throws with their words when they cannot make anything of it. */
export async function askGitOpsTools(question: GitOpsQuestion): Promise<GitOpsAnswer> {
  const running = promisify(execFile)(serverPath('gitops'), { timeout: limitMs })
  running.child.stdin?.end(JSON.stringify(question))
  const { stdout } = await running
  return JSON.parse(stdout) as GitOpsAnswer
}
