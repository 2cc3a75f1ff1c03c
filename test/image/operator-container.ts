import { GenericContainer, getContainerRuntimeClient, type StartedTestContainer, Wait } from 'testcontainers'
import { observeOutput } from '../support/canary.ts'

const startLimitMs = 30_000
const endLimitMs = 10_000
const suiteLabel = { 'oauth-credential-operator.suite': String(process.pid) }

/** A container as careful people run it: nothing to write to but what is mounted, and no privilege at all. */
export class OperatorContainer extends GenericContainer {
  readonly lines: string[] = []

  constructor(image: string, ...args: readonly string[]) {
    super(image)
    this.hostConfig = { ...this.hostConfig, ReadonlyRootfs: true }
    this.withCommand([...args])
      .withDroppedCapabilities('ALL')
      .withSecurityOpt('no-new-privileges')
      .withTmpFs({ '/tmp': 'rw,noexec,nosuid,nodev,size=16m' })
      .withNetworkMode('host')
      .withLabels(suiteLabel)
      .withStartupTimeout(startLimitMs)
      // The reaper is an image that would have to be pulled; removeContainers() does its work here.
      .withAutoCleanup(false)
      .withLogConsumer((stream) => {
        stream.setEncoding('utf8').on('data', (text: string) => {
          observeOutput("the container's log", text)
          this.lines.push(...text.split('\n').filter((line) => line !== ''))
        })
      })
  }
}

/** Runs a command that ends by itself; resolves with what it printed, and throws when its exit code is not 0. */
export async function printedBy(image: string, ...args: readonly string[]): Promise<string> {
  const container = new OperatorContainer(image, ...args).withWaitStrategy(Wait.forOneShotStartup())
  const started = await container.start()
  let text = ''
  for await (const part of await started.logs()) text += String(part)
  await started.stop()
  return text
}

/** What the kernel and Docker say of a container. */
export interface ContainerState {
  readonly running: boolean
  readonly exitCode: number
  /** As the host numbers it. */
  readonly pid: number
}

export async function stateOf(container: StartedTestContainer): Promise<ContainerState> {
  const { container: client } = await getContainerRuntimeClient()
  const { State } = await client.inspect(client.getById(container.getId()))
  return { running: State.Running, exitCode: State.ExitCode, pid: State.Pid }
}

/** Sends SIGTERM, as kubelet does, and SIGKILL 10 s later; the container stays for questions. */
export async function end(container: StartedTestContainer): Promise<ContainerState> {
  await container.stop({ timeout: endLimitMs, remove: false })
  return stateOf(container)
}

export async function signal(container: StartedTestContainer, name: NodeJS.Signals): Promise<void> {
  const { container: client } = await getContainerRuntimeClient()
  await client.getById(container.getId()).kill({ signal: name })
}

/** Paths that differ from the image; the places of mounts, which Docker makes, are among them. */
export async function changedPaths(container: StartedTestContainer): Promise<readonly string[]> {
  const { container: client } = await getContainerRuntimeClient()
  const changes = (await client.getById(container.getId()).changes()) as { Path: string }[] | null
  return (changes ?? []).map(({ Path }) => Path)
}

/** Removes every container that this suite has started, however its tests ended. */
export async function removeContainers(): Promise<void> {
  const { dockerode } = (await getContainerRuntimeClient()).container
  const label = Object.entries(suiteLabel).map(([name, value]) => `${name}=${value}`)
  const containers = await dockerode.listContainers({ all: true, filters: { label } })
  await Promise.all(containers.map(({ Id }) => dockerode.getContainer(Id).remove({ force: true, v: true })))
}
