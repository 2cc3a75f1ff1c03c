import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { vi } from 'vitest'
import { propagationRights } from '../servers/propagation-rights.ts'
import { namespace, TargetScene } from '../servers/target-scene.ts'
import { startControllers } from './controllers.ts'
import { Node, type SeenValue } from './node.ts'
import { type Way, whatIsRead } from './reading-pod.ts'

/** Refreshes that are asked for keep this distance. */
const requestedIntervalMs = 10_500

/** A token that somebody should read. */
export interface Published {
  readonly digest: string
  /** When it was found in its Secret, in milliseconds. */
  readonly at: number
}

/** The operator in a cluster in which pods run. */
export class KubeletScene {
  readonly targets: TargetScene
  readonly node: Node
  readonly #stopControllers: () => Promise<void>

  private constructor(targets: TargetScene, node: Node, stopControllers: () => Promise<void>) {
    this.targets = targets
    this.node = node
    this.#stopControllers = stopControllers
  }

  static async start(): Promise<KubeletScene> {
    const targets = await TargetScene.start(['--warn-of-stale-readers'], propagationRights)
    let stopControllers = (): Promise<void> => Promise.resolve()
    try {
      stopControllers = await startControllers(targets.bed.cluster)
      return new KubeletScene(targets, await Node.start(targets.bed.cluster), stopControllers)
    } catch (error) {
      await stopControllers()
      await targets.stop()
      throw error
    }
  }

  /** The token in the target now. */
  async published(name: string): Promise<Published | undefined> {
    const token = (await this.targets.secret(`${name}-token`))?.data?.['access_token']
    if (token === undefined) return undefined
    return { digest: createHash('sha256').update(token).digest('hex'), at: Date.now() }
  }

  /** Asks for another token. @returns it as soon as the target has it. */
  async refresh(name: string): Promise<Published> {
    const before = await this.published(name)
    await sleep(requestedIntervalMs)
    await this.targets.bed.requestRefresh(namespace, name)
    return vi.waitFor(
      async () => {
        const after = await this.published(name)
        if (after !== undefined && after.digest !== before?.digest) return after
        throw new Error(`${name} has no other token`)
      },
      { timeout: 20_000, interval: 20 },
    )
  }

  /** What the containers of a pod, or of the pods of a workload, have read in the way since they began. */
  read(pod: string, way: Way): readonly SeenValue[] {
    return this.node.seen(namespace, pod).filter(({ what }) => what === whatIsRead[way])
  }

  /** Resolves once a container has read the token, with when it did. */
  async untilRead(pod: string, way: Way, { digest }: Published, withinMs: number): Promise<SeenValue> {
    return vi.waitFor(
      () => {
        const found = this.read(pod, way).find((value) => value.digest === digest)
        if (found !== undefined) return found
        throw new Error(`${pod} has not read the token: ${JSON.stringify(this.read(pod, way))}`)
      },
      { timeout: withinMs, interval: 50 },
    )
  }

  async stop(): Promise<void> {
    await this.node.stop()
    await this.#stopControllers()
    await this.targets.stop()
  }
}
