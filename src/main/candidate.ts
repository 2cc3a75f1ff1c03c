import type { KubeClient } from '../adapters/kubernetes/kube-client.ts'
import { LeaderElection } from '../adapters/kubernetes/leader-election.ts'
import { systemRandom } from '../adapters/system/system-random.ts'
import type { Operator } from '../app/operator.ts'
import type { ControllerFlags } from '../cli/controller-command.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { ResourceSource } from '../ports/resource-source.ts'

export interface CandidateOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly namespace: string
  readonly identity: string
  readonly flags: Pick<ControllerFlags, 'leaderElect' | 'leaseName'>
  readonly operator: Pick<Operator, 'begin' | 'end' | 'acts' | 'recoverJournal'>
  readonly source: Pick<ResourceSource, 'synced'>
}

/** A replica that acts while it leads. */
export interface Candidate {
  /** False as soon as the Lease may belong to somebody else. */
  mayAct(): boolean
  /** Finishes what is under way, then gives the Lease up. */
  stop(): Promise<void>
}

/** How often a replica that may begin looks whether its index is complete. */
const syncCheckMs = 20
/** How often a replica tries to tell what its journal knows. */
const recoveryRetryMs = 5000
/** As often, when it is the last time. */
const lastRecoveryRetryMs = 1000
/** For how long then; part of the half minute that a Pod has after its last answer. */
const lastRecoveryMs = 15_000

/** Stands for election once this replica knows every manifest, and lets the operator act for as long as it leads. */
export function startCandidate(options: CandidateOptions): Candidate {
  return options.flags.leaderElect ? electedCandidate(options) : soleCandidate(options)
}

function soleCandidate({ operator, source, clock, metrics }: CandidateOptions): Candidate {
  metrics.leading(true)
  const cancel = whenSynced(source, clock, () => operator.begin())
  return {
    mayAct: () => true,
    stop: async () => {
      cancel()
      const acted = operator.acts()
      await operator.end({ flush: true })
      if (acted) await emptyJournal(operator, clock)
    },
  }
}

function electedCandidate(options: CandidateOptions): Candidate {
  const { client, clock, logger, metrics, namespace, identity, operator, source } = options
  const name = options.flags.leaseName
  const election = new LeaderElection({
    client,
    clock,
    random: systemRandom,
    logger,
    metrics,
    namespace,
    name,
    identity,
  })
  let stopped = false
  const recovery = recoverWhileStandby(options)
  let cancel: () => void = () => undefined
  let ended: Promise<void> = Promise.resolve()
  let standNoMore: () => Promise<void> = () => Promise.resolve()
  const stand = (): void => {
    standNoMore = election.run({
      onStarted: () => {
        cancel = whenSynced(source, clock, () => operator.begin())
      },
      onLost: () => {
        cancel()
        // The engine's memory ends with the term: what the next leader does in between would make it wrong.
        ended = operator.end({ flush: false }).then(() => (stopped ? undefined : stand()))
      },
    })
  }
  metrics.leading(false)
  // Who cannot act, because a right is missing, must not keep the Lease from one who can.
  const cancelWait = whenSynced(source, clock, stand)
  return {
    mayAct: () => election.isLeader(),
    // The Lease is renewed until everything under way has ended, so that nobody else begins meanwhile.
    stop: async () => {
      stopped = true
      cancelWait()
      cancel()
      await ended
      // Who does not lead stands no more, however long the rest takes: it must not get the Lease meanwhile. One that
      // still names it is given up at the end, as any other: what is under way may be in the next one's way.
      if (!election.isLeader()) await standNoMore()
      await operator.end({ flush: election.isLeader() })
      await recovery.stop()
      await election.release()
    },
  }
}

interface Recovery {
  /** Begins no further try, and resolves once the journal was looked at for the last time. */
  stop(): Promise<void>
}

/** What a process left that ended in the middle of a refresh is told to whoever leads, as long as that is another one. */
function recoverWhileStandby({ operator, source, clock }: CandidateOptions): Recovery {
  let stopped = false
  let begun = false
  let cancel: () => void = () => undefined
  let underWay: Promise<unknown> = Promise.resolve()
  const look = async (): Promise<void> => {
    if (!operator.acts()) await operator.recoverJournal(() => !stopped)
    if (!stopped) cancel = clock.wakeAfter(recoveryRetryMs, next)
  }
  const next = (): void => {
    begun = true
    underWay = look()
  }
  const cancelWait = whenSynced(source, clock, next)
  return {
    stop: async () => {
      stopped = true
      cancelWait()
      cancel()
      await underWay
      // Who does not know the manifests cannot read what is in it.
      if (begun && !operator.acts()) await emptyJournal(operator, clock)
    },
  }
}

/**
 * The journal of a Pod goes with the Pod, so this is the last time that an answer in it can be brought home: an API
 * server that is away for a moment is waited for.
 */
async function emptyJournal(operator: CandidateOptions['operator'], clock: Clock): Promise<void> {
  const untilMs = clock.monotonicMs() + lastRecoveryMs
  const goesOn = (): boolean => clock.monotonicMs() < untilMs
  while (!(await operator.recoverJournal(goesOn)) && goesOn())
    await new Promise<void>((resolve) => void clock.wakeAfter(lastRecoveryRetryMs, resolve))
}

function whenSynced(source: Pick<ResourceSource, 'synced'>, clock: Clock, begin: () => void): () => void {
  let cancel: () => void = () => undefined
  const look = (): void => {
    if (source.synced()) begin()
    else cancel = clock.wakeAfter(syncCheckMs, look)
  }
  look()
  return () => cancel()
}
