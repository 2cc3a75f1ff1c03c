import { RecordWatch } from '../../src/adapters/kubernetes/record-watch.ts'
import type { RefreshRecords } from '../../src/ports/refresh-records.ts'
import { RecordBench } from '../contract/refresh-records.ts'
import type { ApiHands } from './api-hands.ts'
import { jsonAt } from './fake-managed-fields.ts'
import { FaultyClient } from './faulty-client.ts'
import { LogLines } from './memory-ports.ts'
import { recordsOver, secretRecords } from './record-harnesses.ts'
import { ScaledClock } from './scaled-clock.ts'

export const clearAnnotation = 'oauth-operator.dev/refresh-record'
export const keyName = 'oauth-credential-operator-key'

/** One record in a Secret, and what happens to it behind the operator's back. */
export class SecretBench extends RecordBench {
  readonly hands: ApiHands
  readonly name: string
  /** Between {@link faulty} and the API server. */
  readonly client: FaultyClient
  readonly faulty: RefreshRecords

  constructor(hands: ApiHands) {
    super(secretRecords(hands))
    this.hands = hands
    this.name = `oauth-refresh-${this.subject.uid}`
    this.client = new FaultyClient(hands.operator)
    this.faulty = recordsOver(this.client, hands.namespace)
  }

  /** A process that is told of records by a watch, over {@link client}. */
  watching(): { readonly records: RefreshRecords; readonly watch: RecordWatch; readonly log: LogLines } {
    const { client, hands } = this
    const log = new LogLines()
    const tools = { clock: new ScaledClock(1), random: Math.random, logger: log }
    const watch = new RecordWatch({ client, namespace: hands.namespace, ...tools })
    return { records: recordsOver(client, hands.namespace, watch), watch, log }
  }

  async annotate(annotations: Readonly<Record<string, string | null>>): Promise<void> {
    await this.hands.edit(this.name, { metadata: { annotations } })
  }

  /** The clear part, as somebody changes it by hand. */
  async editClear(change: (text: string) => string): Promise<void> {
    const annotations = jsonAt(await this.hands.metadata(this.name), ['annotations'])
    await this.annotate({ [clearAnnotation]: change(String(annotations[clearAnnotation])) })
  }

  async state(): Promise<unknown> {
    const { metadata, data } = await this.hands.secret(this.name)
    return { data, metadata }
  }

  forgetKey = async (): Promise<void> => {
    if (await this.hands.secretExists(keyName)) await this.hands.deleteSecret(keyName)
  }
}
