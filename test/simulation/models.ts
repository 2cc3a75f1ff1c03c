import type { ClusterModel } from './cluster-model.ts'
import type { EndpointModel } from './endpoint-model.ts'
import type { PodModel } from './pods.ts'
import type { Random } from './random.ts'
import type { RecordModel } from './record-model.ts'
import type { Scheduler } from './scheduler.ts'
import type { StoreModel } from './store-model.ts'
import type { TokenLedger } from './token-ledger.ts'
import type { Violations } from './violations.ts'
import type { Wire } from './wire.ts'

/** All that is outside of the processes, and what drives and judges it. */
export interface Models {
  readonly random: Random
  readonly scheduler: Scheduler
  readonly violations: Violations
  readonly ledger: TokenLedger
  readonly wire: Wire
  readonly store: StoreModel
  readonly records: RecordModel
  readonly pods: PodModel
  readonly cluster: ClusterModel
  readonly endpoint: EndpointModel
}
